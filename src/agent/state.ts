import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CveId } from '#domain';
import { writeAtomic } from '#host';
import { AgentError } from './error.ts';

/** Where a host stands with its release. */
export type AgentState =
  | 'idle'
  | 'downloaded'
  | 'verified'
  | 'prechecked'
  | 'loading'
  | 'transitioning'
  | 'soaking'
  | 'accepted'
  | 'reverted'
  | 'quarantined';

export interface ReleaseRef {
  readonly number: number;
  readonly moduleName: string;
  readonly sha256: string;
  readonly cves: readonly CveId[];
}

/** A release that this host will not load again, and why. */
export interface FailedRelease {
  readonly sha256: string;
  readonly number: number;
  readonly why: string;
  /** Keys of the reports it was taken back for: they never count as this host's own. */
  readonly reports?: readonly string[];
}

/** What survives a power cut: written and synced before each step that touches the kernel. */
export interface Journal {
  readonly version: 1;
  readonly state: AgentState;
  readonly release: ReleaseRef | null;
  /** Boot the state belongs to (/proc/sys/kernel/random/boot_id). */
  readonly bootId: string;
  readonly failed: readonly FailedRelease[];
  /** Keys of the reports that this boot had before the release was loaded: no fault of it. */
  readonly baseline: readonly string[];
}

export function emptyJournal(bootId: string): Journal {
  return { version: 1, state: 'idle', release: null, bootId, failed: [], baseline: [] };
}

/** A journal of an earlier version lacks what came later; each such field has the value that knows nothing. */
export async function readJournal(directory: string, bootId: string): Promise<Journal> {
  const text = await readFile(join(directory, 'journal.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return emptyJournal(bootId);
  try {
    return { ...emptyJournal(bootId), ...(JSON.parse(text) as Partial<Journal>) };
  } catch (error) {
    // The file is replaced atomically: this is damage from outside. What failed here before cannot be known any more, so
    // nothing is loaded until a person has looked.
    throw new AgentError('journal-damaged', 'input', {
      what: "the agent's journal cannot be read",
      where: directory,
      remedy: 'look at what is loaded, then remove journal.json',
      cause: error,
    });
  }
}

export async function writeJournal(directory: string, journal: Journal): Promise<void> {
  await writeAtomic(join(directory, 'journal.json'), `${JSON.stringify(journal)}\n`);
}
