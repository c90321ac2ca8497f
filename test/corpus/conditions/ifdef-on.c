// config: X=y
// expect: defined(CONFIG_X) | true
#ifdef CONFIG_X
int one; /*@*/
#endif
