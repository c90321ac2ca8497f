import { createHash, randomBytes } from 'node:crypto';
import { type EnrolAnswer, enrolSchema } from '#contract';
import { ENROL_PATH } from '#domain';
import type { Clock } from '#host';
import { addEnrolment, type EnrolmentRow, enrolHost, type Store } from '#store';
import { bodyHash, isSignedBy } from './host-key.ts';

const TOKEN_BYTES = 32;

/** A new token; it is shown once, only its hash is kept. */
export async function makeEnrolment(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  asked: { readonly group: string; readonly uses: number; readonly seconds: number; readonly by: string },
): Promise<{ readonly token: string; readonly enrolment: EnrolmentRow }> {
  const token = `tth_${randomBytes(TOKEN_BYTES).toString('base64url')}`;
  const now = clock.now();
  const enrolment = await addEnrolment(store.db, {
    tokenSha256: hashOf(token),
    group: asked.group,
    uses: asked.uses,
    expiresAt: new Date(now.getTime() + asked.seconds * 1000),
    madeBy: asked.by,
    madeAt: now,
  });
  return { token, enrolment };
}

/**
 * Makes a host of the machine that signed this request with the key in it. Null: it is no such request, or its token is none, used up or
 * over: which of them is nobody's to know.
 */
export async function enrol(
  { store, clock, intervalSeconds }: { readonly store: Store; readonly clock: Clock; readonly intervalSeconds: number },
  body: Buffer,
  signature: Buffer,
): Promise<EnrolAnswer | null> {
  const asked = parse(body);
  if (asked === null) return null;
  const publicKey = Buffer.from(asked.publicKey, 'base64url');
  const request = { path: ENROL_PATH, host: '-', bodySha256: bodyHash(body) };
  if (!isSignedBy(publicKey, signature, request)) return null;
  const given = { tokenSha256: hashOf(asked.token), publicKey, name: asked.name, at: clock.now() };
  const made = await enrolHost(store.db, given);
  return made && { ...made, intervalSeconds };
}

function parse(body: Buffer) {
  try {
    return enrolSchema.safeParse(JSON.parse(body.toString('utf8'))).data ?? null;
  } catch {
    return null;
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
