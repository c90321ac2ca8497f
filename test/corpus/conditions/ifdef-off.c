// config: A=y
// expect: defined(CONFIG_X) | false
#ifdef CONFIG_X
int one; /*@*/
#endif
