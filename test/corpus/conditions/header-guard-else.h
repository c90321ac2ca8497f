// config: X=y
// expect: !(!defined(_GUARD_H)) | null
#ifndef _GUARD_H
#define _GUARD_H
int a;
#else
int one; /*@*/
#endif
