cmd_mm/sample.o := gcc -Wp,-MD,mm/.sample.o.d  -nostdinc -isystem /usr/lib/gcc/x86_64-linux-gnu/6/include -D__KERNEL__ -DKBUILD_STR(s)=\#s -DKBUILD_BASENAME='"sample"' -c -o mm/.tmp_sample.o mm/sample.c

source_mm/sample.o := mm/sample.c

deps_mm/sample.o := \
    $(wildcard include/config/mmu.h) \
    $(wildcard include/ksym/sample/one.h) \
  include/linux/mm.h \

mm/sample.o: $(deps_mm/sample.o)

$(deps_mm/sample.o):
