import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const TOP = `VERSION = 6
PATCHLEVEL = 1
SUBLEVEL = 9
SRCARCH := $(ARCH)
KBUILD_BUILTIN := 1
core-y :=
libs-y := lib/
export ARCH SRCARCH KBUILD_BUILTIN
include $(srctree)/arch/$(SRCARCH)/Makefile
export ARCH_CORE := $(core-y)
`;
const KBUILD = `obj-y += arch/$(SRCARCH)/
obj-y += $(ARCH_CORE)
obj-y += drivers/
`;

/** The smallest source that Kbuild's way down the folders needs; `files` replaces or adds to it. */
export async function sourceTree(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  const all: Record<string, string> = {
    Makefile: TOP,
    Kbuild: KBUILD,
    'arch/x86/Makefile': 'core-y += arch/x86/extra/\n',
    'arch/x86/Kbuild': '',
    'arch/x86/extra/Makefile': '',
    'lib/Makefile': '',
    'drivers/Makefile': '',
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

/** Parts of one text, each after a line `=== path`; what stands before the first is the head. */
export function splitTree(text: string): { readonly head: string; readonly files: Record<string, string> } {
  const [head, ...parts] = text.split(/^=== (.+)\n/m);
  const files: Record<string, string> = {};
  for (let i = 0; i < parts.length; i += 2) files[parts[i]!] = parts[i + 1]!;
  return { head: head!, files };
}
