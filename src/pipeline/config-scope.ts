import { basename, dirname, join } from 'node:path';
import type { Profile, Proof } from '#domain';
import { readLimited } from '#host';
import { parseCmdFile } from '#kernel';
import { type ConditionSetting, leavesSame, type Presence, type SourceTexts } from '#patch';

const MAX_CMD_BYTES = 4 << 20;
/** What gives a file the configuration (Makefile, LINUXINCLUDE). */
const READS_CONFIG = 'include/linux/kconfig.h';
const SYMBOL = /\b(?:CONFIG_\w+|MODULE)\b/g;

/**
 * Is every change of a fix that fits left out of every object that reads it? Beside the conditions of its hunks, and what
 * the preprocessor leaves of each whole file, this asks each object: is it code of the kernel, was it compiled with the configuration, and does no file that it reads and no
 * flag of its command define or undefine a symbol of the conditions (arch/x86/entry/vdso does so, for its 32-bit half)?
 */
export async function isExcluded(
  tree: string,
  profile: Profile,
  { finding, changed }: Presence,
  source: SourceTexts,
  setting: (path: string) => ConditionSetting,
): Promise<boolean> {
  const conditions = finding.hunks.map(({ condition }) => condition);
  if (changed === null || !isOut(finding)) return false;
  for (const [path, { before, after }] of changed)
    if (before === null || !leavesSame(path, before, after, setting(path))) return false;
  const symbols = new Set(conditions.flatMap((condition) => condition?.text.match(SYMBOL) ?? []));
  const readers = new Set([...changed.keys()].flatMap((path) => profile.files.get(path) ?? []));
  if (profile.origin !== 'build' || profile.unreadable.length > 0 || readers.size === 0) return false;
  for (const index of readers) {
    const { object, target } = profile.objects[index]!;
    if (target === null || !(await seesConfig(tree, object, symbols, source))) return false;
  }
  return true;
}

function isOut({ outcome, hunks }: Proof['source']): boolean {
  return (
    outcome === 'vulnerable' &&
    hunks.every(({ condition }) => condition?.by === 'preprocessor' && condition.value === false)
  );
}

async function seesConfig(
  tree: string,
  object: string,
  symbols: ReadonlySet<string>,
  source: SourceTexts,
): Promise<boolean> {
  const file = join(tree, dirname(object), `.${basename(object)}.cmd`);
  const text = await readLimited(file, MAX_CMD_BYTES).then(String, () => null);
  const read = text === null ? undefined : parsed(text, file);
  if (text === null || read === undefined || !read.forKernel) return false;
  if (!read.dependencies.includes(READS_CONFIG)) return false;
  const command = text.slice(0, text.indexOf('\n'));
  // `-DMODULE` is what the profile's targets say; `-UMODULE` and any symbol on the command line are nothing anyone expects.
  if (/-[DU]\s*['"]?CONFIG_/.test(command)) return false;
  for (const path of read.dependencies) {
    const defined = await definedIn(source, path);
    if ([...symbols].some((symbol) => defined.has(symbol))) return false;
  }
  return true;
}

function parsed(text: string, file: string): ReturnType<typeof parseCmdFile> {
  try {
    return parseCmdFile(text, file);
  } catch {
    return undefined;
  }
}

/** Many objects read the same headers. Files that are not of the source (autoconf.h, the compiler's) define none. */
const known = new WeakMap<SourceTexts, Map<string, ReadonlySet<string>>>();

async function definedIn(source: SourceTexts, path: string): Promise<ReadonlySet<string>> {
  const cache = known.get(source) ?? new Map<string, ReadonlySet<string>>();
  known.set(source, cache);
  const before = cache.get(path);
  if (before !== undefined) return before;
  const text = (await source.read(path)) ?? '';
  const names = text.matchAll(/\b(?:define|undef)(?:\s|\\\n|\/\*.*?\*\/)+(CONFIG_\w+|MODULE)\b/g);
  const found = new Set([...names].map(([, name]) => name!));
  cache.set(path, found);
  return found;
}
