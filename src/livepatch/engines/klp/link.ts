import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IN_TREE } from '#kernel';
import { LivepatchError } from '../../error.ts';
import type { EngineJob } from '../engine.ts';
import { moduleObject } from '../pairs/module-path.ts';
import type { KernelObject } from '../pairs/objects.ts';
import { runStep, WORK } from '../pairs/tool.ts';
import { linkedWords, OBJTOOL } from './objtool.ts';

/** What is compared: `<name>.o` in `pairs/orig/` and `pairs/patched/` of the job's folder. */
export interface LinkedPair {
  /** `vmlinux`, or the name of a module. */
  readonly target: string;
}

/** Namespaces that built-in code imports: what is cut out of it may use their symbols (modules.builtin.modinfo, kbuild.rst). */
async function importsOf(tree: string): Promise<string[]> {
  const text = await readFile(join(tree, 'modules.builtin.modinfo'), 'latin1').catch(() => '');
  return [...new Set(Array.from(text.matchAll(/(?:^|\0)[^\0=]*\.import_ns=(\w+)/g), (match) => match[1]!))].toSorted();
}

/** objtool takes the name of what it compares from the file's, when there is a `.modinfo` that does not say it. */
async function modinfo(job: EngineJob): Promise<void> {
  const words = ['license=GPL', ...(await importsOf(job.layout.build)).map((name) => `import_ns=${name}`)];
  const strings = words.map((word) => `.asciz "${word}"\n`).join('');
  const text = `.section .note.GNU-stack,""\n.section .modinfo,"a"\n${strings}`;
  await runStep(job, 'gcc', ['-c', '-x', 'assembler', '-', '-o', 'modinfo.o'], { input: text });
}

/**
 * Links the objects that differ: those of vmlinux into one, those of a module with the rest of that module, so that symbols of
 * one name within it are told apart. Both sides then go through objtool as in the build, and get its checksums.
 */
export async function linkPairs(job: EngineJob, different: readonly KernelObject[]): Promise<LinkedPair[]> {
  for (const side of ['orig', 'patched']) await mkdir(join(job.work, 'pairs', side), { recursive: true });
  await modinfo(job);
  const targets = [...new Set(different.map(({ target }) => target))];
  for (const target of targets) {
    const own = different.filter((object) => object.target === target).map(({ object }) => object);
    const linked = target === 'vmlinux' ? 'vmlinux.o' : await moduleObject(job.layout.build, target);
    const members = target === 'vmlinux' ? own : await membersOf(job.layout.build, linked, own);
    const words = await linkedWords(job, linked, own[0]!);
    for (const side of ['orig', 'patched'] as const) {
      const objects = members.map((member) => `${own.includes(member) ? `${WORK}/${side}` : IN_TREE}/${member}`);
      if (target === 'vmlinux') objects.push(`${WORK}/modinfo.o`);
      await link(job, `pairs/${side}/${target}.o`, objects, words);
    }
  }
  return targets.map((target) => ({ target }));
}

/** Objects of a module in the order they are linked (its `.mod`). */
async function membersOf(tree: string, linked: string, own: readonly string[]): Promise<string[]> {
  const list = await readFile(join(tree, linked.replace(/\.o$/, '.mod')), 'utf8');
  const members = list.split('\n').filter((line) => line !== '');
  const missing = own.find((object) => !members.includes(object));
  if (missing === undefined) return members;
  throw new LivepatchError('engine-failed', 'kernel-source', {
    what: `${missing} is not listed as a part of its module`,
    where: linked,
    remedy: 'build the kernel again',
  });
}

async function link(
  job: EngineJob,
  out: string,
  objects: readonly string[],
  words: readonly string[] | null,
): Promise<void> {
  await runStep(job, 'ld', ['-m', 'elf_x86_64', '-r', '-o', out, ...objects]);
  if (words !== null) await runStep(job, OBJTOOL, [...words, out]);
  await runStep(job, OBJTOOL, ['klp', 'checksum', out]);
}
