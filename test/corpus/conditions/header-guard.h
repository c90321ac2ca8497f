// config: X=y
// expect: none
#ifndef _GUARD_H
#define _GUARD_H
int one; /*@*/
#endif
