// config: X=y
// expect: defined(CONFIG_Y) | null
#ifdef CONFIG_Y
int one; /*@*/
#endif
int two; /*@*/
