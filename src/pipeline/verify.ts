import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { GateRecord } from '#domain';
import { type Clock, readLimited } from '#host';
import { needBuilt, type TreeLayout, treeLayout } from '#kernel';
import { type HunkFunctions, LivepatchError, type ProofSubject, type Reproducer, verifyLivepatches } from '#livepatch';
import { type KernelRow, type LivepatchRow, needKernel, needLivepatch, type Store } from '#store';
import { fixFunctions } from './fix-functions.ts';
import { keepGate } from './gate-record.ts';
import { profileOf } from './kernel.ts';
import { builtConfig, kernelTexts } from './kernel-texts.ts';

const MAX_REPRODUCER_BYTES = 32 << 20;

export interface ProveLivepatchesOptions {
  readonly store: Store;
  /** Where the key lies that signs gate records. */
  readonly dataDirectory: string;
  /** Ids or module names; those of one kernel share a machine. */
  readonly livepatches: readonly string[];
  /** File that shows the bug: a static program, or a script for the machine's shell. For one livepatch alone. */
  readonly reproducer?: string | undefined;
  /** Id or name of the livepatch that shall replace it. For one livepatch alone. */
  readonly next?: string | undefined;
  readonly clock: Clock;
  readonly onStep: (what: string) => void;
}

/** What came of one livepatch: its record, passed or not; or why no machine could be had. */
export type ProvedLivepatch =
  | { readonly livepatch: LivepatchRow; readonly gate: GateRecord }
  | { readonly livepatch: LivepatchRow; readonly error: LivepatchError };

/** Proves built livepatches in virtual machines and stores each gate record, whether it passed or not, in the order given. */
export async function proveLivepatches(options: ProveLivepatchesOptions): Promise<ProvedLivepatch[]> {
  const { store, livepatches } = options;
  const rows: LivepatchRow[] = [];
  for (const key of livepatches) rows.push(await needLivepatch(store.db, key));
  const extra = await extraOf(options, rows);
  const proved = new Map<string, ProvedLivepatch>();
  for (const [kernelId, group] of Map.groupBy(rows, (row) => row.kernelId)) {
    const kernel = await needKernel(store.db, kernelId);
    for (const one of await proveGroup(options, kernel, group, extra)) proved.set(one.livepatch.id, one);
  }
  return rows.map((row) => proved.get(row.id)!);
}

type Extra = Pick<ProofSubject, 'reproducer' | 'next'>;

async function extraOf(
  { store, reproducer, next }: ProveLivepatchesOptions,
  rows: readonly LivepatchRow[],
): Promise<Extra> {
  if (reproducer === undefined && next === undefined) return {};
  const [row] = rows;
  if (rows.length !== 1 || row === undefined)
    throw new LivepatchError('not-one-livepatch', 'input', {
      what: 'a reproducer and a next version belong to one livepatch',
      where: `${rows.length} livepatches`,
      remedy: 'name one livepatch',
    });
  const after = next === undefined ? null : await needLivepatch(store.db, next);
  if (after !== null && after.kernelId !== row.kernelId)
    throw new LivepatchError('not-one-livepatch', 'input', {
      what: 'the next version is for another kernel',
      where: after.moduleName,
    });
  return {
    reproducer: reproducer === undefined ? null : await readReproducer(reproducer),
    next: after === null ? null : { module: await moduleOf(after), moduleName: after.moduleName },
  };
}

async function readReproducer(path: string): Promise<Reproducer> {
  return { name: basename(path), content: await readLimited(path, MAX_REPRODUCER_BYTES) };
}

function moduleOf({ directory }: LivepatchRow): Promise<Buffer> {
  return readFile(join(directory, 'module.ko'));
}

async function proveGroup(
  { store, dataDirectory, clock, onStep }: ProveLivepatchesOptions,
  kernel: KernelRow,
  rows: readonly LivepatchRow[],
  extra: Extra,
): Promise<ProvedLivepatch[]> {
  const layout = treeLayout(kernel.treeDirectory);
  await needBuilt(layout);
  const subjects: ProofSubject[] = [];
  for (const row of rows) {
    const hunks = await hunksOf(store, kernel, layout, row);
    subjects.push({ module: await moduleOf(row), moduleName: row.moduleName, recipe: row.recipe, hunks, ...extra });
  }
  const several = rows.length > 1;
  const results = await verifyLivepatches(subjects, {
    kernelOut: layout.out,
    toolchain: kernel.toolchain,
    clock,
    onStep: (what, name) => onStep(several ? `${name}: ${what}` : what),
  });
  const proved: ProvedLivepatch[] = [];
  for (const [i, result] of results.entries()) {
    const row = rows[i]!;
    if ('error' in result) proved.push({ livepatch: row, error: result.error });
    else proved.push({ livepatch: await keepGate(store, dataDirectory, row, result.gate), gate: result.gate });
  }
  return proved;
}

async function hunksOf(
  store: Store,
  kernel: KernelRow,
  layout: TreeLayout,
  { directory }: LivepatchRow,
): Promise<HunkFunctions[] | null> {
  const profile = await profileOf(store.db, kernel);
  if (profile === null) return null;
  const path = join(directory, 'change.patch');
  const source = kernelTexts(kernel.sourceDirectory ?? layout.build, profile);
  return fixFunctions(await readFile(path), path, source, profile, await builtConfig(layout.build));
}
