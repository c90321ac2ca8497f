savedcmd_lib/sample.o := gcc -D__KERNEL__ -c -o lib/sample.o /srv/src/linux/lib/sample.c

source_lib/sample.o := /srv/src/linux/lib/sample.c

deps_lib/sample.o := \
  /srv/src/linux/tools/include/linux/kconfig.h \

lib/sample.o: $(deps_lib/sample.o)

$(deps_lib/sample.o):
