savedcmd_lib/sample.o := gcc -Wp,-MMD,lib/.sample.o.d -nostdinc -I./include -include ./include/linux/kconfig.h -D__KERNEL__ -O2 -c -o lib/sample.o lib/sample.c

source_lib/sample.o := lib/sample.c

deps_lib/sample.o := \
  include/linux/a.h \
  include/linux/b.h \
