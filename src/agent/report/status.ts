import type { AgentState } from '#domain';
import type { Doors } from '../doors.ts';
import type { ServerContact } from '../fleet/contact.ts';
import type { FailedRelease, Journal, KnownRecall, ReleaseRef } from '../journal.ts';
import type { Level } from '../level.ts';
import { isBad, isRecalled } from '../plan/observation.ts';
import type { RunResult } from '../run.ts';
import type { Settings } from '../settings.ts';

/**
 * - `current`: the archive was reached just now, and the newest release that it has for this kernel is on.
 * - `behind`: it was reached, and it has a release that this host does not run.
 * - `unknown`: neither can be said. It is never "nothing to do".
 */
export type Standing = 'current' | 'behind' | 'unknown';

export interface LoadedRelease {
  readonly number: number;
  readonly moduleName: string;
  readonly cves: readonly string[];
}

/** What `/run/tuxtape/status.json` says: the contract with scanners and people on the host. */
export interface AgentStatus {
  readonly version: 2;
  readonly at: string;
  readonly bootId: string;
  readonly kernel: { readonly release: string; readonly buildId: string };
  readonly ring: string;
  readonly level: Level;
  readonly state: AgentState;
  /** What the state is about. */
  readonly release: ReleaseRef | null;
  /** What the kernel itself shows as on, its transition through; null: nothing of ours. */
  readonly loaded: LoadedRelease | null;
  readonly standing: Standing;
  readonly note: string;
  /** Why the last run did not do its work; null when it did. */
  readonly error: { readonly code: string; readonly what: string; readonly remedy: string | null } | null;
  readonly alarm: string | null;
  readonly failed: readonly Pick<FailedRelease, 'number' | 'moduleName' | 'how' | 'why'>[];
  readonly recalled: readonly KnownRecall[];
  readonly uncleanBoots: number;
  readonly archive: {
    readonly url: string;
    readonly lastContact: string | null;
    readonly metadataExpires: string | null;
    readonly unreachableSince: string | null;
  };
  /** The server that this host checks in with; null: none, or it was not asked. */
  readonly server: {
    readonly lastContact: string | null;
    readonly unreachableSince: string | null;
    readonly error: string | null;
  } | null;
}

/** What the host says of its server. */
export function serverStatus(contact: ServerContact | null): AgentStatus['server'] {
  if (contact === null) return null;
  const { last, failingSince, error } = contact;
  return { lastContact: last, unreachableSince: failingSince, error };
}

/** What the kernel shows, told by the releases that this host knows. */
export function loadedOf(journal: Journal, on: ReadonlySet<string>): ReleaseRef | null {
  const known = [journal.release, ...journal.accepted.toReversed()];
  return known.find((release) => release !== null && on.has(release.moduleName)) ?? null;
}

export async function statusOf(doors: Doors, settings: Settings, result: RunResult): Promise<AgentStatus> {
  const { kernel, clock } = doors;
  const { journal, problem } = result;
  const shown = await kernel.livepatches();
  const on = new Set(shown.filter(({ enabled, transition }) => enabled && !transition).map(({ name }) => name));
  const loaded = loadedOf(journal, on);
  return {
    version: 2,
    at: clock.now().toISOString(),
    bootId: await kernel.bootId(),
    kernel: { release: await kernel.release(), buildId: await kernel.buildId().catch(() => 'unknown') },
    ring: settings.ring,
    level: await doors.level(),
    state: journal.state,
    release: journal.release,
    loaded: loaded === null ? null : { number: loaded.number, moduleName: loaded.moduleName, cves: loaded.cves },
    standing: standingOf(result, loaded),
    note: result.note,
    error: problem === null ? null : { code: problem.code, what: problem.message, remedy: problem.remedy ?? null },
    alarm: journal.alarm,
    failed: journal.failed.map(({ number, moduleName, how, why }) => ({ number, moduleName, how, why })),
    recalled: journal.recalled,
    uncleanBoots: journal.guard.unclean,
    archive: {
      url: settings.archive,
      lastContact: journal.contact.last,
      metadataExpires: journal.contact.expires,
      unreachableSince: journal.contact.failingSince,
    },
    server: null,
  };
}

function standingOf({ index, journal }: RunResult, loaded: ReleaseRef | null): Standing {
  if (index === undefined || index === null || journal.alarm !== null) return 'unknown';

  const newest = Math.max(
    0,
    ...index.releases.filter((release) => !isRecalled(journal, release)).map(({ number }) => number),
  );
  if (loaded === null) return newest === 0 ? 'current' : 'behind';
  return loaded.number >= newest && !isBad(journal, loaded) ? 'current' : 'behind';
}
