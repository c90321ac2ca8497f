// config: X=y
// expect: none
/*
#ifdef CONFIG_Y
*/
char *s = "\
#ifdef CONFIG_Y";
// \
#ifdef CONFIG_Y
int one; /*@*/
