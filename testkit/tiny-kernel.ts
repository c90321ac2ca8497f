import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const MAKEFILE = `VERSION = 6
PATCHLEVEL = 1
SUBLEVEL = 170
EXTRAVERSION =
KBUILD_TINY := y

mrproper:
	rm -f .config
olddefconfig:
	sed -i 's/^CONFIG_OLD=y$$/CONFIG_NEW=y/' .config
kernelrelease:
	@echo 6.1.170-tiny
kernel/.sample.o.cmd: kernel/sample.c
	gcc -c -o kernel/sample.o kernel/sample.c
	printf 'savedcmd_kernel/sample.o := gcc -D__KERNEL__\\n\\nsource_kernel/sample.o := kernel/sample.c\\n\\ndeps_kernel/sample.o := \\\\\\n\\nkernel/sample.o: x\\n' > $@
vmlinux: kernel/.sample.o.cmd
	gcc -nostdlib -Wl,--build-id -Wl,-e,sample -o vmlinux kernel/sample.o
modules: ;
bzImage: vmlinux
	mkdir -p arch/x86/boot && cp vmlinux arch/x86/boot/bzImage
modules_install: ;
`;

export const SAMPLE_C = `#include "sample.h"
/* A tree with the targets of Kbuild that we use,
   for what goes wrong around a build; real kernels are built in the end-to-end proof. */
int sample(void);

int sample(void)
{
	return ANSWER;
}
`;

/** A source directory that answers to Kbuild's targets with one file of C. Returns it and a configuration for it. */
export async function tinyKernel(home: string): Promise<{ source: string; config: string }> {
  const source = join(home, 'linux');
  await mkdir(join(source, 'kernel'), { recursive: true });
  await writeFile(join(source, 'Makefile'), MAKEFILE);
  await writeFile(join(source, 'kernel/sample.c'), SAMPLE_C);
  await writeFile(join(source, 'kernel/sample.h'), '#define ANSWER 42\n');
  const config = join(home, 'tiny.config');
  await writeFile(config, 'CONFIG_TINY=y\n');
  return { source, config };
}
