import type { PatchError } from '../error.ts';
import { moveFiles } from './move.ts';
import type { ComposeOptions } from './options.ts';
import { StepError } from './step-error.ts';
import type { ComposeStep } from './steps.ts';
import { tryStep } from './try-step.ts';

/** `CVE-2026-1, CVE-2026-2 (0123456789ab)`. */
function nameOf({ cves, commit, where }: ComposeStep): string {
  const who = cves.length === 0 ? where : cves.join(', ');
  return commit === null ? who : `${who} (${commit.slice(0, 12)})`;
}

/**
 * Why a step does not fit: by itself, or because of one that came before it, which is named. `applied` are the steps
 * before it with their files under the names of this source.
 */
export async function conflictOf(
  step: ComposeStep,
  applied: readonly ComposeStep[],
  options: ComposeOptions,
): Promise<PatchError> {
  const { files } = await moveFiles(step, new Map(), options);
  const alone = await tryStep(files, new Map(), options, true);
  if (alone.texts === null)
    return new StepError(
      'patch-does-not-apply',
      { ...step, files },
      {
        what: `the fix of ${nameOf(step)} does not apply: ${alone.remarks.slice(0, 6).join('; ')}`,
        where: step.where,
        remedy:
          'take the fix of a nearer branch, open it with "tuxtape patch open" and adapt it, or give it with --patch',
      },
    );
  const other = await culprit(step, files, applied, options);
  const shared = files.map(({ path }) => path).filter((path) => other.files.some((file) => file.path === path));
  return new StepError(
    'patches-conflict',
    { ...step, files },
    {
      what: `the fixes of ${nameOf(step)} and ${nameOf(other)} do not fit together: both change ${shared.join(', ')}`,
      where: step.where,
      remedy:
        'leave one of them out, or open the change of both with "tuxtape patch open" and join them by hand; each applies without the other',
    },
  );
}

/** The last step that alone keeps this one out; where only several together do, the last that touches its files. */
async function culprit(
  step: ComposeStep,
  files: ComposeStep['files'],
  applied: readonly ComposeStep[],
  options: ComposeOptions,
): Promise<ComposeStep> {
  const paths = new Set(files.map(({ path }) => path));
  const near = applied.filter((one) => one.files.some(({ path }) => paths.has(path))).toReversed();
  for (const one of near) {
    const { texts } = await tryStep(one.files, new Map(), options, true);
    if (texts !== null && (await tryStep(files, texts, options, true)).texts === null) return one;
  }
  return near[0] ?? step;
}
