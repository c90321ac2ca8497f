// config: ILLEGAL=0xdead000000000000
// expect: CONFIG_ILLEGAL > 0 | null
#if CONFIG_ILLEGAL > 0
int one; /*@*/
#endif
