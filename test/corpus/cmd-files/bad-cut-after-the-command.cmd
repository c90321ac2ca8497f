savedcmd_lib/sample.o := gcc -Wp,-MMD,lib/.sample.o.d -nostdinc -I./include -include ./include/linux/kconfig.h -D__KERNEL__ -O2 -c -o lib/sample.o lib/sample.c
