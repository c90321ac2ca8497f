import { CHECK_IN_PATH, StageError } from '#domain';
import type { Doors } from '../doors.ts';
import { AgentError } from '../error.ts';
import type { Journal } from '../journal.ts';
import type { Settings } from '../settings.ts';
import { readContact, type ServerContact, writeContact } from './contact.ts';
import { postSigned, readSigner } from './identity.ts';
import { wordsOf } from './words.ts';

export interface CheckInPlaces {
  readonly config: string;
  readonly state: string;
}

/**
 * Tells the server how this host stands, where it has one. A server that is away, refuses or lies changes nothing on this host but what
 * it says of the server. Null: it has none.
 */
export async function checkIn(
  places: CheckInPlaces,
  doors: Doors,
  { settings, journal, version }: { settings: Settings; journal: Journal; version: string },
): Promise<ServerContact | null> {
  const signer = await readSigner(places.config);
  if (signer === null) return null;
  const contact = await readContact(places.state);
  const { said, modules } = await wordsOf(doors, { settings, journal, contact, version });
  const at = doors.clock.now().toISOString();
  const sent = { ...contact, seq: said.seq };
  // On the disk before it is sent: a number that was used is never used again, whatever happens now.
  await writeContact(places.state, sent);
  const failed = (error: string): ServerContact => ({ ...sent, failingSince: contact.failingSince ?? at, error });
  const after = await send(signer, said).then(
    (answer): ServerContact => {
      if (answer === null) return failed('the server answered with nothing that is understood');
      const reports = said.reports.map(({ key }) => key);
      return {
        seq: said.seq,
        last: at,
        failingSince: null,
        error: null,
        counted: answer.counted,
        modules: answer.wantsModules ? null : modules,
        bootId: said.bootId,
        reports: [...(contact.bootId === said.bootId ? contact.reports : []), ...reports],
      };
    },
    (error: unknown) => failed(AgentError.of(error).message),
  );
  await writeContact(places.state, after);
  return after;
}

interface Answer {
  readonly counted: number | null;
  readonly wantsModules: boolean;
}

async function send(
  { identity, key, ca }: NonNullable<Awaited<ReturnType<typeof readSigner>>>,
  said: unknown,
): Promise<Answer | null> {
  const { server, id } = identity;
  const { status, body } = await postSigned({ server, id, key, ca }, CHECK_IN_PATH, said);
  const text = body.toString('utf8');
  if (status === 200) return parseAnswer(text);
  throw new AgentError('server-refused', 'network', { what: `the server answered ${status}: ${text.slice(0, 200)}` });
}

function parseAnswer(text: string): Answer | null {
  try {
    const { counted, wantsModules } = JSON.parse(text) as Partial<Answer>;
    const isCount = counted === null || (Number.isSafeInteger(counted) && counted! >= 0);
    return isCount && typeof wantsModules === 'boolean' ? { counted: counted ?? null, wantsModules } : null;
  } catch {
    return null;
  }
}

/** A check-in that may not keep the run up: what cannot be said is said by the next. */
export async function tryCheckIn(...args: Parameters<typeof checkIn>): Promise<ServerContact | null> {
  try {
    return await checkIn(...args);
  } catch (error) {
    if (!(error instanceof StageError)) throw error;
    return null;
  }
}
