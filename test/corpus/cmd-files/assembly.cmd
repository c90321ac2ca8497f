savedcmd_arch/x86/lib/sample.o := gcc -Wp,-MMD,arch/x86/lib/.sample.o.d -nostdinc -D__KERNEL__ -D__ASSEMBLY__ -c -o arch/x86/lib/sample.o arch/x86/lib/sample.S

source_arch/x86/lib/sample.o := arch/x86/lib/sample.S

deps_arch/x86/lib/sample.o := \
  include/linux/linkage.h \

arch/x86/lib/sample.o: $(deps_arch/x86/lib/sample.o)

$(deps_arch/x86/lib/sample.o):
