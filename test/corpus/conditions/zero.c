// config: X=y
// expect: 0 | false
#if 0
don't "look" here /* '
*/
int one; /*@*/
#endif
