import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LivepatchError } from '../../error.ts';

/**
 * Path of the object of a module, `sch_red`, in a built tree: `net/sched/sch_red.o`. `modules.order` names each module by it, or by that of
 * the module itself before Linux 6.4. Errors: engine-failed.
 */
export async function moduleObject(tree: string, target: string): Promise<string> {
  const order = await readFile(join(tree, 'modules.order'), 'utf8').catch(() => '');
  const paths = order.split('\n').map((line) => line.replace(/\.ko$/, '.o'));
  const name = `${target}.o`;
  const found = paths.find((path) => moduleName(path.replace(/^.*\//, '')) === name);
  if (found !== undefined) return found;
  throw new LivepatchError('engine-failed', 'kernel-source', {
    what: `the build lists no module "${target}"`,
    where: 'modules.order',
    remedy: 'build the kernel again',
  });
}

/** As the kernel and profiles name it: a dash in the name of a file is an underscore (scripts/Makefile.lib, name-fix). */
export function moduleName(name: string): string {
  return name.replaceAll('-', '_');
}
