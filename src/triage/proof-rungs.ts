import {
  type CveRecord,
  type Evidence,
  type ObjectComparison,
  type Profile,
  type Proof,
  parseKernelVersion,
} from '#domain';

const SHOWN = 4;

/** Does a proof still speak of the fix that the record names? A branch may get another fix after the first one. */
export function proofStands(record: CveRecord, { fixes }: Proof): boolean {
  const branches = new Set(fixes.map(({ version }) => branchOf(version)));
  const named = record.ranges.flatMap(({ fixed }) =>
    fixed?.commit && branches.has(branchOf(fixed.version)) ? [fixed.commit] : [],
  );
  const looked = new Set(fixes.map(({ commit }) => commit));
  return looked.size > 0 && named.length > 0 && named.every((commit) => looked.has(commit));
}

function branchOf(version: string): string {
  return parseKernelVersion(version)?.mainline.join('.') ?? version;
}

/** The fix against the source: clears only when every hunk stands there as the fix left it. */
export function sourceRung({ fixes, source }: Proof): Evidence {
  const { hunks, outcome, renamed } = source;
  const name = fixes.map(({ commit, version }) => `${commit.slice(0, 12)} (${version})`).join(', ');
  const count = (state: string): number => hunks.filter((hunk) => hunk.state === state).length;
  const moved = Object.entries(renamed).map(([from, to]) => `${from} is ${to} here`);
  const tail = moved.length > 0 ? ` ${moved.slice(0, SHOWN).join('; ')}.` : '';
  const facts = { fixes, hunks, renamed };
  switch (outcome) {
    case 'fixed':
      return {
        rung: 'source',
        outcome: 'clears',
        facts,
        sentence: `The fix ${name} is in this source: ${ofAll(hunks.length)} as it left them.${tail}`,
      };
    case 'vulnerable':
      return {
        rung: 'source',
        outcome: 'supports',
        facts,
        sentence: `The fix ${name} is not in this source: ${ofAll(hunks.length)} as they were before it.${tail}`,
      };
    case 'partly-fixed':
      return {
        rung: 'source',
        outcome: 'supports',
        facts,
        sentence: `Only a part of the fix ${name} is in this source: ${count('fixed')} of ${hunks.length} hunks.${tail}`,
      };
    default:
      return {
        rung: 'source',
        outcome: 'inconclusive',
        facts,
        sentence: `It is unclear whether the fix ${name} is in this source: ${count('unclear')} of its ${hunks.length} hunks stand there neither as before nor as after it.`,
      };
  }
}

function ofAll(hunks: number): string {
  return hunks === 1 ? 'its one hunk stands there' : `its ${hunks} hunks stand there`;
}

/** Proof by compilation: clears only when every object that reads a changed file came out the same. */
export function objectRung({ object, fixes, paths }: Proof, profile: Profile): Evidence | null {
  if (object === null) return null;
  const { outcome, objects, why } = object;
  const facts = { fixes, objects };
  if (outcome === 'undecided')
    return { rung: 'object', outcome: 'inconclusive', facts, sentence: `Not proved by compilation: ${why}.` };
  if (outcome === 'same') {
    const missed = readersMissed(paths, objects, profile);
    if (missed !== null) return { rung: 'object', outcome: 'inconclusive', facts, sentence: missed };
    const names = shorten(objects.map((one) => one.object));
    return {
      rung: 'object',
      outcome: 'clears',
      facts,
      sentence: `With the fix and without it, the same comes out byte for byte: ${names}.`,
    };
  }
  const different = objects.filter(({ same }) => !same);
  const parts = different.map((one) => `${one.object} (${shorten(one.changes) || 'not by name'})`);
  return { rung: 'object', outcome: 'supports', facts, sentence: `The fix changes ${shorten(parts)}.` };
}

function shorten(words: readonly string[]): string {
  const rest = words.length - SHOWN;
  return `${words.slice(0, SHOWN).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** Were all objects compared that read a changed file by what is known now? A sentence where they were not. */
function readersMissed(
  paths: readonly string[],
  compared: readonly ObjectComparison[],
  { files, objects, unreadable, origin }: Profile,
): string | null {
  if (origin === 'build' && unreadable.length > 0)
    return `${unreadable.length} files of the build could not be read: other objects may read what the fix changes.`;
  const done = new Set(compared.map(({ object }) => object));
  const readers = paths.flatMap((path) => files.get(path) ?? []).map((index) => objects[index]!.object);
  const missed = readers.find((object) => !done.has(object));
  return missed === undefined ? null : `${missed} reads what the fix changes, too, and was not compared.`;
}
