// config: X=y
// expect: none
#ifdef CONFIG_Y
/* one @ */
#endif
