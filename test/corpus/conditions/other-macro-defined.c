// config: A=y
// expect: defined(CONFIG_X) && (defined(FOO) || (FOO > 2)) | false
#if defined(CONFIG_X) && (defined(FOO) || (FOO > 2))
int one; /*@*/
#endif
