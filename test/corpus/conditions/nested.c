// config: X=y
// expect: defined CONFIG_Y | false
#ifdef CONFIG_X
#ifdef FOO
#  if defined CONFIG_Y
int one; /*@*/
#  endif
#endif
#endif
