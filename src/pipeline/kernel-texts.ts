import { basename, extname, join } from 'node:path';
import type { Profile } from '#domain';
import { ProgramError, plainEnvironment, readLimited, run } from '#host';
import { type KernelConfig, readKernelConfig } from '#kernel';
import type { ConditionSetting, SourceTexts } from '#patch';

/** Of one source file; the largest of Linux 7.2 has 6 MB. */
const MAX_SOURCE_BYTES = 32 << 20;
const SEARCH_TIMEOUT_MS = 120_000;
const MAX_FOUND_BYTES = 1 << 20;

/** The sources of a kernel tree, a character a byte: not all of them are UTF-8. Nothing outside of the tree is read. */
export function kernelTexts(tree: string, { sources }: Profile): SourceTexts {
  const named = Map.groupBy(sources, (path) => basename(path));
  return {
    named: (name) => named.get(name) ?? [],
    async read(path) {
      if (!sources.has(path)) return undefined;
      return (await readLimited(join(tree, path), MAX_SOURCE_BYTES)).toString('latin1');
    },
    holding: (lines, path) => holding(tree, lines, path, sources),
  };
}

/** Whole lines, as bytes, given on standard input: a fix never becomes an argument or a pattern. */
async function holding(
  tree: string,
  lines: readonly string[],
  path: string,
  sources: ReadonlySet<string>,
): Promise<string[] | null> {
  const kind = extname(path);
  if (!/^\.\w+$/.test(kind) || lines.some((line) => line === '' || line.includes('\n'))) return null;
  const args = ['-rlZxFs', `--include=*${kind}`, '-f', '-', '--', '.'];
  try {
    const { stdout } = await run('grep', args, {
      cwd: tree,
      input: Buffer.from(`${lines.join('\n')}\n`, 'latin1'),
      env: plainEnvironment({ LC_ALL: 'C' }),
      okCodes: [0, 1],
      timeoutMs: SEARCH_TIMEOUT_MS,
      maxOutput: MAX_FOUND_BYTES,
    });
    const found = stdout.split('\0').map((name) => name.replace(/^\.\//, ''));
    return found.filter((name) => sources.has(name));
  } catch (error) {
    if (error instanceof ProgramError) return null;
    throw error;
  }
}

/** What the compiler was told of the configuration; `.config` may have been edited since. Null: there is neither. */
export async function builtConfig(tree: string): Promise<KernelConfig | null> {
  for (const file of ['include/config/auto.conf', '.config']) {
    const config = await readKernelConfig(join(tree, file)).catch(() => null);
    if (config !== null) return config;
  }
  return null;
}

/** What the conditions of a file are held against: `MODULE` is known when all that reads it is a module, or nothing is. */
export function settingOf(config: KernelConfig, profile: Profile): (path: string) => ConditionSetting {
  return (path) => {
    const readers = (profile.files.get(path) ?? []).map((index) => profile.objects[index]!.target);
    const isModule = (target: string | null): boolean => target !== null && target !== 'vmlinux' && target !== 'image';
    const module = readers.length > 0 && readers.every(isModule);
    const builtIn = readers.length > 0 && readers.every((target) => target === 'vmlinux');
    return { config, module: module ? true : builtIn ? false : null };
  };
}
