savedcmd_net/core/sample.o := gcc -Wp,-MMD,net/core/.sample.o.d -nostdinc -I./include -D__KERNEL__ -O2 -c -o net/core/sample.o net/core/sample.c

source_net/core/sample.o := net/core/sample.c

deps_net/core/sample.o := \
    $(wildcard include/config/NET_SAMPLE) \
  include/linux/compiler-version.h \
    $(wildcard include/config/CC_VERSION_TEXT) \
  ./include/linux/kconfig.h \
  arch/x86/include/../include/asm/sample.h \
  /usr/lib/gcc/x86_64-linux-gnu/14/include/stdarg.h \

net/core/sample.o: $(deps_net/core/sample.o)

$(deps_net/core/sample.o):
