import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CveId } from '#domain';
import { writeAtomic } from '#host';

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
}

/** What survives a power cut: written and synced before each step that touches the kernel. */
export interface Journal {
  readonly version: 1;
  readonly state: AgentState;
  readonly release: ReleaseRef | null;
  /** Boot the state belongs to (/proc/sys/kernel/random/boot_id). */
  readonly bootId: string;
  readonly failed: readonly FailedRelease[];
}

export function emptyJournal(bootId: string): Journal {
  return { version: 1, state: 'idle', release: null, bootId, failed: [] };
}

export async function readJournal(directory: string, bootId: string): Promise<Journal> {
  const text = await readFile(join(directory, 'journal.json'), 'utf8').catch(() => undefined);
  // The file is replaced atomically, so it is whole or not there; anything else is damage from outside: start careful.
  return text === undefined ? emptyJournal(bootId) : (JSON.parse(text) as Journal);
}

export async function writeJournal(directory: string, journal: Journal): Promise<void> {
  await writeAtomic(join(directory, 'journal.json'), `${JSON.stringify(journal)}\n`);
}
