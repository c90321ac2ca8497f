import { type CheckInAnswer, checkInSchema } from '#contract';
import { CHECK_IN_PATH, type CheckIn, type CheckInJudgement, judgeCheckIn } from '#domain';
import {
  type CallingHost,
  callingHosts,
  type RefusedCheckIn,
  type Store,
  type StoredCheckIn,
  storeCheckIns,
} from '#store';
import { bodyHash, isSignedBy } from './host-key.ts';

/** A check-in as it came: nothing of it is believed yet. */
export interface RawCheckIn {
  /** A UUID. */
  readonly host: string;
  readonly signature: Buffer;
  readonly body: Buffer;
}

/** Codes of what is not taken; each has its status in the API. */
export type CheckInRefusal = 'unauthorized' | 'decommissioned' | 'bad-request' | 'replayed' | 'flooding';

export type CheckInOutcome =
  | { readonly ok: true; readonly answer: CheckInAnswer }
  | { readonly ok: false; readonly code: CheckInRefusal; readonly why: string };

export interface CheckInOptions {
  readonly store: Store;
  readonly now: Date;
  readonly intervalSeconds: number;
  /** Counts a good check-in of a host; true: there were too many. */
  readonly isFlooding: (host: string) => boolean;
}

interface Told {
  readonly host: CallingHost;
  readonly said: CheckIn;
  readonly bodySha256: string;
  readonly judged: CheckInJudgement;
}

/**
 * Takes check-ins of different hosts together: one reading and one writing of the database for all of them. What comes back for each,
 * in order, is true only once it is committed. Errors: those of the database, and then nothing of them is stored.
 */
export async function takeCheckIns(raw: readonly RawCheckIn[], options: CheckInOptions): Promise<CheckInOutcome[]> {
  const { store, now } = options;
  const hosts = await callingHosts(
    store.db,
    raw.map(({ host }) => host),
  );
  const heard = raw.map((one) => hear(one, hosts.get(one.host), options));
  const told = heard.filter((one) => 'judged' in one);
  const kept = told.filter(({ judged }) => judged.what === 'new').map(toStored);
  const written = await storeCheckIns(store.db, kept, told.flatMap(toRefused), now);
  return heard.map((one) => ('judged' in one ? outcomeOf(one, written, options) : one));
}

function hear(raw: RawCheckIn, host: CallingHost | undefined, options: CheckInOptions): Told | CheckInOutcome {
  const { body, signature } = raw;
  const bodySha256 = bodyHash(body);
  const request = { path: CHECK_IN_PATH, host: raw.host, bodySha256 };
  if (host === undefined || !isSignedBy(host.publicKey, signature, request))
    return refusal('unauthorized', 'no host of this id signed this');
  if (host.isDecommissioned) return refusal('decommissioned', 'this host was taken away');
  const said = parse(body);
  if (said === null) return refusal('bad-request', 'this is no check-in that this server understands');
  const judged = judgeCheckIn(host, said, bodySha256, options.now);
  if (!options.isFlooding(host.id)) return { host, said, bodySha256, judged };
  if (host.flags.includes('flooding')) return refusal('flooding', 'it checks in too often');
  const flags = [...host.flags, 'flooding' as const];
  const why = [...judged.why, 'flooding: it checks in too often'];
  return { host, said, bodySha256, judged: { what: 'refused', flags, why } };
}

function parse(body: Buffer): CheckIn | null {
  try {
    const { success, data } = checkInSchema.safeParse(JSON.parse(body.toString('utf8')));
    return success ? data : null;
  } catch {
    return null;
  }
}

function toStored({ host, said, bodySha256, judged }: Told): StoredCheckIn {
  return { host, said, bodySha256, flags: judged.flags, events: [...changes(host, said), ...flagEvents(judged)] };
}

function toRefused({ host, judged }: Told): RefusedCheckIn[] {
  if (judged.what !== 'refused' || judged.why.length === 0) return [];
  return [{ host, flags: judged.flags, events: flagEvents(judged) }];
}

/** What is told in the host's history. */
function changes(host: CallingHost, { bootId, kernel, livepatch }: CheckIn): StoredCheckIn['events'] {
  const events: { kind: string; detail: unknown }[] = [];
  if (bootId !== host.bootId) events.push({ kind: 'boot', detail: { from: host.bootId, to: bootId } });
  if (kernel.buildId !== host.buildId)
    events.push({ kind: 'kernel', detail: { from: host.buildId, to: kernel.buildId } });
  if (livepatch.state !== host.state || livepatch.release !== host.release) {
    const { state, release, alarm } = livepatch;
    events.push({ kind: 'state', detail: { from: host.state, fromRelease: host.release, to: state, release, alarm } });
  }
  return events;
}

function flagEvents({ why }: CheckInJudgement): StoredCheckIn['events'] {
  return why.map((sentence) => ({ kind: 'flag', detail: { why: sentence } }));
}

function outcomeOf(
  { host, said, judged }: Told,
  written: ReadonlyMap<string, number | null>,
  options: CheckInOptions,
): CheckInOutcome {
  if (judged.what === 'refused') {
    const isFlooding = judged.flags.includes('flooding') && !host.flags.includes('flooding');
    return isFlooding
      ? refusal('flooding', 'it checks in too often')
      : refusal('replayed', `check-in ${said.seq} is not newer than the last`);
  }
  if (judged.what === 'new' && !written.has(host.id))
    return refusal('replayed', 'a newer check-in of this host came at the same time');
  const isOtherKernel = host.buildId !== said.kernel.buildId;
  const answer: CheckInAnswer = {
    now: options.now.toISOString(),
    intervalSeconds: options.intervalSeconds,
    // As it is written now: a host that moved is not counted any more by this very word.
    counted: judged.what === 'new' ? (written.get(host.id) ?? null) : host.counted,
    wantsModules: said.modules === null && (!host.hasModules || isOtherKernel),
  };
  return { ok: true, answer };
}

function refusal(code: CheckInRefusal, why: string): CheckInOutcome {
  return { ok: false, code, why };
}
