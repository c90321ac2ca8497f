// config: X=m
// expect: IS_REACHABLE(CONFIG_X) | null
#if IS_REACHABLE(CONFIG_X)
int one; /*@*/
#endif
