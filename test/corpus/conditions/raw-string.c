// config: X=y
// expect: none
char *s = R"(
#ifdef CONFIG_X)";
#ifdef CONFIG_Y
int one; /*@*/
#endif
