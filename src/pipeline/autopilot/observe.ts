import { type CveId, isQuiet, type Policy, StageError, type VerdictStatus } from '#domain';
import { sha256 } from '#host';
import type { ComposePart, FixSource } from '#patch';
import {
  type AutopilotBuildRow,
  autopilotBuilds,
  holdsOf,
  type KernelRow,
  listPatches,
  listVerdicts,
  type PolicyRow,
  type Store,
  trialsOf,
} from '#store';
import { fetchParts } from '../change.ts';
import { openedPart } from '../opened.ts';
import { passes } from '../passing.ts';
import type { Candidate, FixState, KnownBuild, Observed, Reason } from './plan.ts';

const AFFECTED: VerdictStatus = 'affected';

/** Fixes that were fetched in this run, by CVE: the same source is not asked twice. */
export type FetchedFixes = Map<CveId, FixState & { readonly key?: string }>;

export interface ObserveOptions {
  readonly store: Store;
  readonly kernel: KernelRow;
  readonly policy: PolicyRow['policy'];
  readonly fixes: FixSource;
  readonly fetched: FetchedFixes;
  readonly now: Date;
}

/** Reads all that the plan of one kernel is made from. */
export async function observeKernel(options: ObserveOptions): Promise<Observed> {
  const { store, kernel, policy, now } = options;
  const trials = await trialsOf(store.db, kernel.id);
  const opened = new Set((await listPatches(store.db, kernel.id)).map(({ name }) => name));
  const holds = await holdsOf(store.db, kernel.id);
  const candidates: Candidate[] = [];
  for (const row of await listVerdicts(store.db, kernel.id, { status: AFFECTED, limit: 0 })) {
    const { cve } = row.verdict;
    const fetched = options.fetched.get(cve) ?? (await fetchedState(options, cve, opened.has(cve)));
    options.fetched.set(cve, fetched);
    const trial = trials.get(cve);
    const fix =
      fetched.state === 'untried' && trial?.key === fetched.key ? triedState(fetched.key, trial.reason) : fetched;
    candidates.push({ cve, class: row.class, weight: row.weight ?? 0, held: holds.get(cve)?.reason ?? null, fix });
  }
  const builds = (await autopilotBuilds(store.db, kernel.id)).map(knownBuild);
  return { policy, isQuiet: policy.quiet !== null && isQuiet(policy.quiet, now), candidates, builds };
}

function triedState(key: string, reason: Reason | null): FixState {
  return reason === null ? { state: 'ready', key } : { state: 'refused', key, ...reason };
}

async function fetchedState(
  { store, kernel, policy, fixes }: ObserveOptions,
  cve: CveId,
  hasOpened: boolean,
): Promise<FixState> {
  try {
    // What a person made of it stands for the fix, and is tried anew with each edit.
    const opened = hasOpened ? await openedPart(store, kernel, cve, cve) : undefined;
    const parts = opened
      ? [opened.part]
      : (await fetchParts({ store, kernel }, [cve], () => Promise.resolve(fixes))).parts;
    return { state: 'untried', key: keyOf(kernel, policy, parts) };
  } catch (error) {
    return { state: 'missing', ...reasonOf(error) };
  }
}

/** What a trial depends on: this very build, the texts of the commits, and what may be left out of them. */
function keyOf({ buildId }: KernelRow, { answers }: Policy, parts: readonly ComposePart[]): string {
  const texts = parts.flatMap(({ fixes }) => fixes.map(({ text }) => text));
  return sha256([buildId ?? '', ...(answers ? [] : ['whole']), ...texts].join('\0')).slice(0, 16);
}

/** As `reasonOf`, for what is remembered of a fix: what says nothing of it is thrown, and tried again in the next run. */
export function lastingReason(error: unknown): Reason {
  const reason = reasonOf(error);
  if (passes(reason.code)) throw error;
  return reason;
}

/** Why something did not go, for a person. Anything that is not an error of a stage is ours, and is thrown. */
export function reasonOf(error: unknown): Reason {
  if (!(error instanceof StageError)) throw error;
  const { code, message, remedy } = error;
  return { code: String(code), why: message, remedy: remedy ?? 'read the log' };
}

function knownBuild({ wanted, cves, livepatch, reason, passed }: AutopilotBuildRow): KnownBuild {
  const state = livepatch === null ? 'refused' : passed === null ? 'built' : passed ? 'proved' : 'failed';
  return { livepatch: livepatch ?? '', wanted, cves, state, reason };
}
