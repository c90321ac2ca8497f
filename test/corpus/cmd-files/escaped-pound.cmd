savedcmd_mm/sample.o := gcc -Wp,-MMD,mm/.sample.o.d -nostdinc -D__KERNEL__ -DSTR=$(pound)s -DONE='$$1' -c -o mm/sample.o mm/sample.c

source_mm/sample.o := mm/sample.c

deps_mm/sample.o := \
  include/linux/mm.h \

mm/sample.o: $(deps_mm/sample.o)

$(deps_mm/sample.o):
