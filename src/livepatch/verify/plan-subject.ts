import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LivepatchError } from '../error.ts';
import { splitSignature } from '../signature/appended.ts';
import type { PayloadFile } from '../vm/initramfs.ts';
import { type KernelModules, loadOrder } from '../vm/kernel-modules.ts';
import { isPlain } from './commands.ts';
import { underOtherName } from './other-name.ts';
import type { PlanSubject } from './plan.ts';
import type { ProofSubject } from './subject.ts';

/** Modules that a livepatch changes. */
export function targetsOf({ recipe }: ProofSubject): string[] {
  return [...new Set(recipe.functions.map(({ object }) => object))].filter((object) => object !== 'vmlinux');
}

/** Does the kernel refuse modules without a signature it knows, whatever its command line says? */
export async function enforcesSignatures(kernelOut: string): Promise<boolean> {
  const config = await readFile(join(kernelOut, '.config'), 'utf8').catch(() => '');
  return /^CONFIG_MODULE_SIG_FORCE=y$/m.test(config);
}

/** The subject as its plan needs it, and the files that it needs in the machine. `index`: its number among those of one boot. */
export function planSubject(
  subject: ProofSubject,
  index: number,
  depends: readonly string[],
  modules: KernelModules,
  mustBeSigned: boolean,
): { readonly subject: PlanSubject; readonly files: readonly PayloadFile[] } {
  const { moduleName, module, recipe, reproducer = null } = subject;
  const path = `/livepatch/${index}.ko`;
  const files: PayloadFile[] = [{ path, content: module }];
  if (reproducer !== null) files.push({ path: `/reproducer/${index}`, content: reproducer.content, mode: 0o755 });
  const next = nextOf(subject, mustBeSigned);
  if ('module' in next) files.push({ path: `/livepatch/${index}.next.ko`, content: next.module });
  const order = (names: readonly string[]): string[] => loadOrder(modules, names).map((file) => basename(file));
  const plan: PlanSubject = {
    moduleName,
    path,
    functions: recipe.functions,
    targetFiles: order(targetsOf(subject)),
    neededFiles: order(depends),
    reproducer: reproducer === null ? null : `/reproducer/${index}`,
    next: 'why' in next ? next : { ...next, path: `/livepatch/${index}.next.ko` },
  };
  const names = [moduleName, ...('why' in next ? [] : [next.moduleName]), ...plan.targetFiles, ...plan.neededFiles];
  const strange = names.find((name) => !isPlain(name));
  if (strange === undefined) return { subject: plan, files };
  const what = 'a module has a name that no module has';
  throw new LivepatchError('module-unreadable', 'us', { what, where: strange });
}

type Next = { readonly module: Buffer; readonly moduleName: string; readonly what: string } | { readonly why: string };

function nextOf({ module, moduleName, next = null }: ProofSubject, mustBeSigned: boolean): Next {
  if (next !== null) return { ...next, what: `by ${next.moduleName}` };
  if (mustBeSigned && splitSignature(module).signature !== null)
    return { why: 'no next version was given, and the same code under another name would not be signed' };
  return { ...underOtherName(module, moduleName), what: 'by the same code under another name' };
}
