import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fleet } from '#domain';
import { sha256 } from '#host';
import type { KernelRow } from '#store';

const SOURCE = join(import.meta.dirname, '..');
/** What a verdict is computed by. */
const LADDER = ['domain', 'kernel', 'triage'] as const;

let ladder: string | undefined;

/** Hash of the program's own rules: after an update every verdict is decided anew, and what became another is logged. */
function ladderHash(): string {
  if (ladder !== undefined) return ladder;
  const hash = createHash('sha256');
  for (const folder of LADDER)
    for (const name of readdirSync(join(SOURCE, folder), { recursive: true, encoding: 'utf8' }).toSorted())
      if (name.endsWith('.ts')) hash.update(`${folder}/${name}\0`).update(readFileSync(join(SOURCE, folder, name)));
  return (ladder = hash.digest('hex'));
}

/** One word for all that the verdicts of a kernel share. Its own proofs and a person's words belong to single verdicts. */
export function inputsOf(kernel: KernelRow, profileHash: string | null, fleet: Fleet | null): string {
  const shared = [ladderHash(), kernel.version, kernel.arch, profileHash, fleet];
  return sha256(JSON.stringify(shared, (_key, value: unknown) => plain(value)));
}

function plain(value: unknown): unknown {
  return value instanceof Map || value instanceof Set ? [...value] : value;
}
