// config: A=y
// expect: defined(CONFIG_X) && FOO | null
#if defined(CONFIG_X) && FOO
int one; /*@*/
#endif
