savedcmd_lib/sample.o := gcc -Wp,-MMD,lib/.sample.o.d -nostdinc -I./include -include ./include/linux/kconfig.h -D__KERNEL__ -O2 -c -o lib/sample.o lib/sample.c  ; ./tools/objtool/objtool --orc lib/sample.o

source_lib/sample.o := lib/sample.c

deps_lib/sample.o := \
    $(wildcard include/config/SAMPLE) \
  ./include/linux/kconfig.h \
  lib/sample_body.c \

lib/sample.o: $(deps_lib/sample.o)

$(deps_lib/sample.o):

lib/sample.o: $(wildcard ./tools/objtool/objtool)
#SYMVER sample_one 0x12345678
