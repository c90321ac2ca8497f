// config: X=y
// expect: defined(CONFIG_Y) | null
#ifdef CONFIG_Y
#define A 1 /*@*/
#endif
