// config: X=y
// expect: none
#ifdef CONFIG_Y
int one; /*@*/
