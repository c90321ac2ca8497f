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
clean:
	@echo cleaned
	rm -f kernel/*.o kernel/.*.cmd vmlinux
@EXTRA@vmlinux: kernel/.sample.o.cmd
	gcc -nostdlib -Wl,--build-id -Wl,-e,sample -o vmlinux kernel/sample.o
modules: ;
bzImage: vmlinux
	mkdir -p arch/x86/boot && cp vmlinux arch/x86/boot/bzImage
modules_install: ;
`;

/** A fix of kernel/sample.c. */
export const SAMPLE_FIX = `--- a/kernel/sample.c
+++ b/kernel/sample.c
@@ -6,5 +6,5 @@
 
 int sample(void)
 {
-	return ANSWER;
+	return ANSWER + 1;
 }
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

/**
 * What a build does before it links: takes a minute, writing `beat` ten times a second; holds a gigabyte; writes
 * one; goes on for a minute and takes no notice of SIGTERM.
 */
const EXTRAS = {
  plain: '',
  slow: `slow:
	@i=0; while [ $$i -lt 600 ]; do echo "  CC      kernel/slow$$i.o"; echo $$i > beat; i=$$((i+1)); sleep 0.1; done
vmlinux: slow
`,
  hungry: `hungry:
	@printf '#include <stdlib.h>\\n#include <string.h>\\n#include <unistd.h>\\nint main(void) { for (int i = 0; i < 60; i++) { void *p = malloc(16 << 20); if (!p) return 3; memset(p, 1, 16 << 20); usleep(200000); } sleep(60); }\\n' > hungry.c
	gcc -o hungry hungry.c
	./hungry
vmlinux: hungry
`,
  filling: `filling:
	@i=0; while [ $$i -lt 200 ]; do dd if=/dev/zero of=big$$i bs=1M count=5 2>/dev/null; i=$$((i+1)); sleep 0.05; done; sleep 60
vmlinux: filling
`,
  stubborn: `stubborn:
	@trap '' TERM; i=0; while [ $$i -lt 600 ]; do echo $$i > beat; i=$$((i+1)); sleep 0.1; done
vmlinux: stubborn
`,
} as const;

export type TinyVariant = keyof typeof EXTRAS;

/** A source directory that answers to Kbuild's targets with one file of C. Returns it and a configuration for it. */
export async function tinyKernel(
  home: string,
  variant: TinyVariant = 'plain',
): Promise<{ source: string; config: string }> {
  const source = join(home, 'linux');
  await mkdir(join(source, 'kernel'), { recursive: true });
  await writeFile(
    join(source, 'Makefile'),
    MAKEFILE.replace('@EXTRA@', () => EXTRAS[variant]),
  );
  await writeFile(join(source, 'kernel/sample.c'), SAMPLE_C);
  await writeFile(join(source, 'kernel/sample.h'), '#define ANSWER 42\n');
  const config = join(home, 'tiny.config');
  await writeFile(config, 'CONFIG_TINY=y\n');
  return { source, config };
}
