import type { CveId } from './cve-id.ts';

/**
 * What a person decides about a CVE. `severity` counts instead of any score; `accept` takes the risk until a date; `note`
 * is for readers; `mitigation` is an answer on the host while there is no patch. A sync never touches any of them.
 */
export type DecisionKind = 'severity' | 'accept' | 'note' | 'mitigation';

/** What keeps a bug from being reached without a patch. */
export type Mitigation =
  | { readonly kind: 'modprobe-blocklist'; readonly module: string }
  | { readonly kind: 'sysctl'; readonly key: string; readonly value: string }
  | { readonly kind: 'bpf-lsm'; readonly note: string };

export interface Decision {
  readonly id: string;
  readonly cve: CveId;
  readonly kind: DecisionKind;
  /** Severity, 0 to 10. */
  readonly score: number | null;
  readonly mitigation: Mitigation | null;
  readonly reason: string;
  readonly until: Date | null;
  /** A mitigation that ends when a livepatch or a fixed kernel runs. */
  readonly untilPatched: boolean;
  readonly author: string;
  readonly madeAt: Date;
  readonly revoked: { readonly at: Date; readonly by: string } | null;
}

/** Does it count at this time: neither taken back nor over. */
export function inForce({ revoked, until }: Decision, now: Date): boolean {
  return revoked === null && (until === null || until > now);
}

const MODULE = /^[a-z0-9][a-z0-9_-]{0,54}$/i;
const SYSCTL = /^[a-z0-9_]+(?:[./][a-z0-9_-]+){1,6}$/i;
const VALUE = /^[\w .,:+-]{1,100}$/;
const MAX_NOTE = 2_000;

/** Why a mitigation cannot be taken as it is; null = it can. The vocabulary is closed: no file, no shell. */
export function mitigationProblem(mitigation: Mitigation): string | null {
  switch (mitigation.kind) {
    case 'modprobe-blocklist':
      return MODULE.test(mitigation.module) ? null : `"${mitigation.module}" is no name of a kernel module`;
    case 'sysctl':
      if (!SYSCTL.test(mitigation.key)) return `"${mitigation.key}" is no name of a sysctl`;
      return VALUE.test(mitigation.value) ? null : `"${mitigation.value}" is no value of a sysctl`;
    default:
      return mitigation.note.trim() !== '' && mitigation.note.length <= MAX_NOTE
        ? null
        : `a note has 1 to ${MAX_NOTE} characters`;
  }
}
