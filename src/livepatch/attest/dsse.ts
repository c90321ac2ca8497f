import { type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { LivepatchError } from '../error.ts';
import { keyIdOf } from './keys.ts';

/** Payload type of in-toto statements (in-toto Attestation Framework, spec/v1/envelope.md). */
const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

const base64 = z.string().regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/);

/** A DSSE envelope (secure-systems-lab/dsse, envelope.md) with the one signature that ours have. */
const envelopeSchema = z.strictObject({
  payload: base64,
  payloadType: z.literal(PAYLOAD_TYPE),
  signatures: z.tuple([z.strictObject({ keyid: z.string().regex(/^[0-9a-f]{64}$/), sig: base64 })]),
});

export type Envelope = z.infer<typeof envelopeSchema>;

/** Pre-authentication encoding: what is signed (DSSE v1, protocol.md). */
function encoded(payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(PAYLOAD_TYPE)} ${PAYLOAD_TYPE} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

/** The statement as a signed file. `key`: a private Ed25519 key. */
export function sealStatement(statement: unknown, key: KeyObject): string {
  const payload = Buffer.from(JSON.stringify(statement));
  const signature = { keyid: keyIdOf(key), sig: sign(null, encoded(payload), key).toString('base64') };
  const envelope = { payload: payload.toString('base64'), payloadType: PAYLOAD_TYPE, signatures: [signature] };
  return `${JSON.stringify(envelope, null, 2)}\n`;
}

/** Reads an envelope; nothing of it is believed yet. Errors: attestation-unreadable. */
export function readEnvelope(text: string, where: string): Envelope {
  const found = envelopeSchema.safeParse(parsed(text, where));
  if (found.success) return found.data;
  throw unreadable('this is no DSSE envelope of an in-toto statement with one signature', where);
}

/** Which key an envelope says that it is signed by: where to look, not a fact. */
export function claimedKey({ signatures }: Envelope): string {
  return signatures[0].keyid;
}

/**
 * The statement of an envelope, once the signature by `key` (a public Ed25519 key) is good. Its shape is the caller's to check.
 * Errors: attestation-refused, attestation-unreadable.
 */
export function openEnvelope(envelope: Envelope, key: KeyObject, where: string): unknown {
  const payload = Buffer.from(envelope.payload, 'base64');
  const signature = Buffer.from(envelope.signatures[0].sig, 'base64');
  if (claimedKey(envelope) !== keyIdOf(key) || !verify(null, encoded(payload), key, signature))
    throw new LivepatchError('attestation-refused', 'untrusted', {
      what: 'the signature is not of the key that must have made it: the file was changed, or is of somebody else',
      where,
      remedy: 'make it again; find out who wrote this file',
    });
  return parsed(payload.toString('utf8'), where);
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw unreadable('this is no JSON', where, cause);
  }
}

export function unreadable(what: string, where: string, cause?: unknown): LivepatchError {
  return new LivepatchError('attestation-unreadable', 'untrusted', {
    what,
    where,
    remedy: 'make it again; find out who wrote this file',
    cause,
  });
}
