savedcmd_scripts/sample.o := gcc -Wp,-MMD,net/core/.sample.o.d -I./include -O2 -DHOST -c -o scripts/sample.o scripts/sample.c

source_scripts/sample.o := scripts/sample.c

deps_scripts/sample.o := \
    $(wildcard include/config/NET_SAMPLE) \
  include/linux/compiler-version.h \
    $(wildcard include/config/CC_VERSION_TEXT) \
  ./include/linux/kconfig.h \
  arch/x86/include/../include/asm/sample.h \
  /usr/lib/gcc/x86_64-linux-gnu/14/include/stdarg.h \

scripts/sample.o: $(deps_scripts/sample.o)

$(deps_scripts/sample.o):
