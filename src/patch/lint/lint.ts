import type { Profile } from '#domain';
import { parseKernelConfig } from '#kernel';
import type { ConditionSetting } from '../config-expression.ts';
import type { FileDiff } from '../diff.ts';
import { addresses } from './addresses.ts';
import { changeOf, type FileChange } from './change.ts';
import { meaning } from './constants.ts';
import { data } from './data.ts';
import { exports } from './exports.ts';
import { type Finding, finding } from './finding.ts';
import { headers } from './headers.ts';
import { init, initOnly } from './init.ts';
import { layout } from './layout.ts';
import { livepatchApi } from './livepatch-api.ts';
import { locks } from './locks.ts';
import { messages, syscalls } from './messages.ts';
import { pairs, splitPairs } from './pairs.ts';
import { pathFindings } from './paths.ts';
import { removed } from './removed.ts';
import { stacks } from './stacks.ts';
import { commandPath, type Family, readersOf, type Surroundings } from './surroundings.ts';
import { tracing } from './tracing.ts';

/** Files that hold no code of the kernel. */
const NO_CODE = /^(?:Documentation|LICENSES|samples)\/|^(?:MAINTAINERS|CREDITS)$|\.(?:rst|txt|yaml)$/;
const FAMILIES: readonly Family[] = [
  ...[layout, data, meaning, pairs, locks, init, tracing, messages, syscalls, headers, exports, livepatchApi, stacks],
  ...[removed, addresses],
];
const ORDER = { block: 0, 'two-approvals': 1, note: 2 } as const;

/**
 * Looks for what makes a livepatch dangerous or impossible, before anything is built: in the diff, and in the text of each
 * file before and after it. `textOf` gives a file of the target's tree, or undefined when it has none; `lintPaths` names
 * those that are looked at. The gravest findings come first. Errors: config-unreadable.
 */
export function lint(
  files: readonly FileDiff[],
  textOf: (path: string) => string | undefined,
  profile?: Profile,
): Finding[] {
  const byPath = files.flatMap(pathFindings);
  const rest = files.filter(({ path }) => !NO_CODE.test(path) && !byPath.some((one) => one.path === path));
  const absent = rest.filter((file) => isAbsent(file, profile));
  const setting = settingOf(textOf('.config'));
  const changes = rest
    .filter((file) => !absent.includes(file))
    .map((file) => changeOf(file, textOf(file.path), setting));
  const around: Surroundings = { changes, textOf, profile };
  const found = changes.flatMap((change) => [
    ...notPlaced(change),
    ...leftOut(change),
    ...FAMILIES.flatMap((family) => family(change, around)),
  ]);
  const all = [
    ...byPath,
    ...absent.map(({ path }) =>
      finding('not-compiled', { path, line: null }, `no object of this kernel reads ${path}`),
    ),
    ...found,
    ...splitPairs(around),
    ...initOnly(around, found),
  ];
  return all.toSorted((a, b) => ORDER[a.level] - ORDER[b.level]);
}

/** Files that `lint` asks for: those of the patch, the Makefiles beside them, and the commands of their objects. */
export function lintPaths(files: readonly FileDiff[], profile?: Profile): string[] {
  const sources = files.map(({ path }) => path);
  const makefiles = sources.map((path) => `${path.slice(0, path.lastIndexOf('/') + 1)}Makefile`);
  const objects = sources
    .filter((path) => path.endsWith('.c'))
    .flatMap((path) => readersOf(path, profile) ?? [])
    .map((index) => commandPath(profile!.objects[index]!.object));
  return [...new Set(['.config', ...sources, ...makefiles, ...objects])];
}

/** Undefined: the configuration is not known, and every branch counts. */
function settingOf(config: string | undefined): ConditionSetting | undefined {
  return config === undefined ? undefined : { config: parseKernelConfig(config, '.config'), module: null };
}

/** No object reads it, and the profile can say so. A new file is read by none yet. */
function isAbsent({ path, kind }: FileDiff, profile: Profile | undefined): boolean {
  return kind !== 'added' && readersOf(path, profile)?.length === 0;
}

function leftOut({ path, leftOut: isOut }: FileChange): Finding[] {
  const what = 'the configuration leaves nothing of the change';
  return isOut ? [finding('not-compiled', { path, line: null }, what)] : [];
}

function notPlaced({ fits, path, file }: FileChange): Finding[] {
  return fits ? [] : [finding('not-placed', { path, line: file.hunks[0]?.oldStart ?? null })];
}
