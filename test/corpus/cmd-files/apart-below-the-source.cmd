savedcmd_fs/sample/inode.o := gcc -Wp,-MMD,fs/sample/.inode.o.d -nostdinc -I./include -include ../include/linux/kconfig.h -D__KERNEL__ -O2 -c -o fs/sample/inode.o ../fs/sample/inode.c

source_fs/sample/inode.o := ../fs/sample/inode.c

deps_fs/sample/inode.o := \
  ../include/linux/kconfig.h \
  include/generated/autoconf.h \
  ../arch/x86/include/asm/../asm/sample.h \
  ../fs/sample/sample.h \

fs/sample/inode.o: $(deps_fs/sample/inode.o)

$(deps_fs/sample/inode.o):
