savedcmd_net/core/sample.o := gcc -Wp,-MMD,net/core/.sample.o.d -nostdinc -I./include -D__KERNEL__ -O2 -c -o net/core/sample.o net/core/sample.c

source_net/core/sample.o := net/core/sample.c

