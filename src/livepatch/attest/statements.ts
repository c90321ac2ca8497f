import { z } from 'zod';
import type { GateRecord } from '#domain';
import { STATEMENT_TYPE } from '../provenance.ts';
import { unreadable } from './dsse.ts';

/** Predicates of ours; docs/reference/proof.md says what they mean. */
export const GATE_TYPE = 'urn:tuxtape:gate:1';
export const APPROVAL_TYPE = 'urn:tuxtape:approval:1';

const MAX_TEXT = 4_096;
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const subject = z
  .array(z.strictObject({ name: z.string().max(256), digest: z.strictObject({ sha256: digest }) }))
  .max(8);

/** Files by name, each with its sha256: what a statement is about. */
export type Subject = Readonly<Record<string, string>>;

const gateSchema = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject,
  predicateType: z.literal(GATE_TYPE),
  predicate: z.looseObject({ version: z.literal(2), passed: z.boolean() }),
});

const approvalSchema = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject,
  predicateType: z.literal(APPROVAL_TYPE),
  predicate: z.strictObject({
    reviewer: z.string().max(64),
    reason: z.string().min(1).max(MAX_TEXT),
    accepted: z.array(z.string().max(64)).max(256),
    approvedAt: z.iso.datetime(),
  }),
});

export interface GateStatement {
  readonly subject: Subject;
  readonly gate: GateRecord;
}

/** What a reviewer says. `accepted`: codes of findings. */
export interface ApprovalWords {
  readonly reviewer: string;
  readonly reason: string;
  readonly accepted: readonly string[];
  /** ISO 8601, UTC. */
  readonly approvedAt: string;
}

export interface ApprovalStatement {
  readonly subject: Subject;
  readonly words: ApprovalWords;
}

export function gateStatement(files: Subject, gate: GateRecord): unknown {
  return { _type: STATEMENT_TYPE, subject: entries(files), predicateType: GATE_TYPE, predicate: gate };
}

export function approvalStatement(files: Subject, words: ApprovalWords): unknown {
  return { _type: STATEMENT_TYPE, subject: entries(files), predicateType: APPROVAL_TYPE, predicate: words };
}

/** Errors: attestation-unreadable. What a gate record says is believed to have its shape: the key that signed it is ours. */
export function readGateStatement(value: unknown, where: string): GateStatement {
  const found = gateSchema.safeParse(value);
  if (!found.success) throw unreadable('this is no statement of a gate record', where, found.error);
  return { subject: named(found.data.subject, where), gate: found.data.predicate as unknown as GateRecord };
}

/** Errors: attestation-unreadable. */
export function readApprovalStatement(value: unknown, where: string): ApprovalStatement {
  const found = approvalSchema.safeParse(value);
  if (!found.success) throw unreadable('this is no statement of an approval', where, found.error);
  return { subject: named(found.data.subject, where), words: found.data.predicate };
}

/** Names of files that differ in two subjects, or are in one of them only. */
export function differing(one: Subject, other: Subject): string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].filter((name) => one[name] !== other[name]).toSorted();
}

function entries(files: Subject): z.infer<typeof subject> {
  return Object.entries(files).map(([name, sha256]) => ({ name, digest: { sha256 } }));
}

/** Two digests of one name would let each reader believe another one. */
function named(found: z.infer<typeof subject>, where: string): Subject {
  const names = new Map(found.map(({ name, digest: { sha256 } }) => [name, sha256]));
  if (names.size !== found.length) throw unreadable('two files of one name are signed', where);
  return Object.fromEntries(names);
}
