import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fleet } from '#domain';
import { sha256 } from '#host';
import type { KernelRow } from '#store';

const SOURCE = join(import.meta.dirname, '..');
/** What a verdict is computed by, and what a proof is found by. */
const LADDER = ['domain', 'kernel', 'triage'] as const;
const PROVER = ['domain', 'kernel', 'patch', 'pipeline'] as const;

const hashes = new Map<readonly string[], string>();

function hashOf(folders: readonly string[]): string {
  const known = hashes.get(folders);
  if (known !== undefined) return known;
  const hash = createHash('sha256');
  for (const folder of folders)
    for (const name of readdirSync(join(SOURCE, folder), { recursive: true, encoding: 'utf8' }).toSorted())
      if (name.endsWith('.ts')) hash.update(`${folder}/${name}\0`).update(readFileSync(join(SOURCE, folder, name)));
  const made = hash.digest('hex');
  hashes.set(folders, made);
  return made;
}

/** Which program found a proof: one of another program is not believed, because what was wrong with it may be mended. */
export function proverHash(): string {
  return hashOf(PROVER);
}

/**
 * One word for all that the verdicts of a kernel share, the program's own rules among it: after an update every verdict is
 * decided anew, and what became another is logged. Its proofs and a person's words belong to single verdicts.
 */
export function inputsOf(kernel: KernelRow, profileHash: string | null, fleet: Fleet | null): string {
  const { version, release, arch } = kernel;
  const shared = [hashOf(LADDER), proverHash(), version, release, arch, profileHash, fleet];
  return sha256(JSON.stringify(shared, (_key, value: unknown) => plain(value)));
}

function plain(value: unknown): unknown {
  return value instanceof Map || value instanceof Set ? [...value] : value;
}
