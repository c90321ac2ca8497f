import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from '#host';

export const RELEASE = '6.1.99-test';

const SCHED_H = `#define ONLY_A_MACRO 3
struct task { int pid; };
static inline __attribute__((always_inline)) int pid_of(struct task *task) { return task->pid + 1; }
`;

/** A kernel in miniature: what its files hold is what debug information of a real one does. */
export const TINY_SOURCE: Readonly<Record<string, string>> = {
  'include/linux/sched.h': SCHED_H,
  'include/linux/macros.h': '#define NOTHING_ELSE 7\n',
  'init/main.c': `#include "linux/sched.h"
const char linux_banner[] = "Linux version ${RELEASE} (me@host) (gcc-12 (Debian 12.2.0) 12.2.0, GNU ld (GNU Binutils) 2.40) #1 SMP";
const char ksymtab[] __attribute__((section("__ksymtab"), used)) = "x";
__attribute__((section(".init.text"), used)) int start_kernel(struct task *task) { return pid_of(task); }
`,
  'kernel/fork.c': `#include "linux/sched.h"
#include "linux/macros.h"
extern int report(int);
int do_fork(struct task *task) { return report(pid_of(task) + NOTHING_ELSE); }
__attribute__((noinline)) static int helper(int x) { return report(x) * report(x + 1); }
int uses_helper(int x) { return helper(x) + helper(x + 9); }
int report(int x) { return x; }
`,
  'drivers/net/tiny-nic.c': `#include "linux/sched.h"
struct nic { struct task task; int (*open)(struct task *); };
int nic_open(struct task *task) { return pid_of(task); }
__attribute__((section(".init.text"))) int nic_init(void) { return 4; }
const char vermagic[] __attribute__((section(".modinfo"), used)) = "vermagic=${RELEASE} SMP mod_unload";
`,
  'drivers/net/tiny-data.c': 'int table[4] = { 1, 2, 3, 4 };\n',
};

export const SOURCES: ReadonlySet<string> = new Set(Object.keys(TINY_SOURCE));

export interface TinyOptions {
  /** Flags of the compiler, e.g. `-gdwarf-4`. */
  readonly flags?: readonly string[];
  /** Flags of the linker. */
  readonly link?: readonly string[];
  readonly compiler?: string;
  readonly linker?: string;
}

export interface TinyPackage {
  readonly source: string;
  readonly directory: string;
  readonly vmlinux: string;
  readonly module: string;
}

/** Compiles it below `root` and lays the result out as a debug package of Debian does. */
export async function tinyPackage(root: string, options: TinyOptions = {}): Promise<TinyPackage> {
  const { flags = ['-g'], link = [], compiler = 'gcc', linker = 'ld' } = options;
  const [source, directory] = [join(root, 'linux'), join(root, 'package')];
  const debug = join(directory, 'usr/lib/debug');
  const vmlinux = join(debug, 'boot', `vmlinux-${RELEASE}`);
  const module = join(debug, 'lib/modules', RELEASE, 'kernel/drivers/net/tiny-nic.ko');
  for (const path of [vmlinux, module]) await mkdir(dirname(path), { recursive: true });
  for (const [path, text] of Object.entries(TINY_SOURCE)) {
    await mkdir(join(source, dirname(path)), { recursive: true });
    await writeFile(join(source, path), text);
  }
  const objects = Object.keys(TINY_SOURCE).filter((path) => path.endsWith('.c'));
  for (const path of objects) {
    const out = path.replace(/\.c$/, '.o');
    const base = ['-O2', '-fno-pie', '-ffreestanding', '-Iinclude', ...flags, '-c', '-o', out, path];
    await run(compiler, base, { cwd: source });
  }
  const linked = ['-e', '0', '-Ttext=0xffffffff81000000', '--build-id', ...link];
  await run(linker, [...linked, '-o', vmlinux, 'init/main.o', 'kernel/fork.o'], { cwd: source });
  const packing = link.filter((flag) => flag.startsWith('--compress'));
  await run(linker, ['-r', ...packing, '-o', module, 'drivers/net/tiny-nic.o', 'drivers/net/tiny-data.o'], {
    cwd: source,
  });
  return { source, directory, vmlinux, module };
}
