import type { HunkFinding, Profile } from '#domain';
import { type KernelConfig, KernelError } from '#kernel';
import type { HunkFunctions } from '#livepatch';
import { PatchError, parseDiff, presenceOf, type SourceTexts } from '#patch';
import { settingOf } from './kernel-texts.ts';

/**
 * Which functions the hunks of a change stand in, and what their files are linked into; null where the change cannot be
 * held against the source, so that the proof says that it was not.
 */
export async function fixFunctions(
  patch: Buffer,
  where: string,
  source: SourceTexts,
  profile: Profile,
  config: KernelConfig | null,
): Promise<HunkFunctions[] | null> {
  try {
    const setting = config === null ? undefined : settingOf(config, profile);
    // Sources of the kernel are not all UTF-8: both are read as bytes.
    const { finding } = await presenceOf(parseDiff(patch.toString('latin1'), where), source, setting);
    return finding.hunks.map((hunk) => functionsOf(hunk, finding.renamed[hunk.path] ?? hunk.path, profile));
  } catch (error) {
    if (error instanceof PatchError || error instanceof KernelError) return null;
    throw error;
  }
}

function functionsOf({ functions = [], condition }: HunkFinding, path: string, profile: Profile): HunkFunctions {
  // A header is read by many objects, and what it defines stands in none of them for certain.
  const users = path.endsWith('.c') ? (profile.files.get(path) ?? []) : [];
  const objects = users.map((index) => profile.objects[index]?.target ?? null).filter((target) => target !== null);
  return { path, names: functions, objects: [...new Set(objects)], isLeftOut: condition?.value === false };
}
