savedcmd_fs/sample/inode.o := gcc -Wp,-MMD,fs/sample/.inode.o.d -nostdinc -I./include -include /srv/src/linux/include/linux/kconfig.h -D__KERNEL__ -O2 -c -o fs/sample/inode.o /srv/src/linux/fs/sample/inode.c

source_fs/sample/inode.o := /srv/src/linux/fs/sample/inode.c

deps_fs/sample/inode.o := \
  /srv/src/linux/include/linux/kconfig.h \
  arch/x86/include/generated/asm/rwonce.h \
  /srv/src/linux/fs/sample/../sample/sample.h \
  /usr/lib/gcc/x86_64-linux-gnu/14/include/stdarg.h \

fs/sample/inode.o: $(deps_fs/sample/inode.o)

$(deps_fs/sample/inode.o):
