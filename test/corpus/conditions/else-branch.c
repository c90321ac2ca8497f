// config: X=y
// expect: !(defined(CONFIG_Y)) && !(defined(CONFIG_X)) | false
#if defined(CONFIG_Y)
int a;
#elif defined(CONFIG_X)
int b;
#else
int one; /*@*/
#endif
