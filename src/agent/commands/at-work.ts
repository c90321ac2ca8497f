import { join } from 'node:path';
import { hasCode } from '#domain';
import { isRoot, makeFolders, withLock } from '#host';
import type { AgentRequest, Doors } from '../doors.ts';
import { AgentError } from '../error.ts';
import { tryCheckIn } from '../fleet/check-in.ts';
import type { ServerContact } from '../fleet/contact.ts';
import { openHost, requestFile } from '../host-door.ts';
import { emptyJournal, type Journal } from '../journal.ts';
import { exitCodeOf } from '../report/exit-codes.ts';
import { type AgentStatus, serverStatus, statusOf } from '../report/status.ts';
import { statusText } from '../report/texts.ts';
import { writeReports } from '../report/write.ts';
import { preview, type RunResult, runOnce } from '../run.ts';
import type { Settings } from '../settings.ts';
import { type Arguments, settingsOf } from './arguments.ts';

const LOCK_WAIT_MS = 1_000;
const VERSION = '0.1.0';

/** `run` and `apply`: one run, then the reports; `apply` does not wait for the time after boot. */
export async function runCommand(given: Arguments, now: boolean): Promise<number> {
  return atWork(given, (doors, settings) => runOnce(doors, { ...settings, ...(now && { graceSeconds: 0 }) }));
}

/** `check`: what a run would do. Nothing is loaded, taken off or written but verified metadata and the reports' status. */
export async function checkCommand(given: Arguments): Promise<number> {
  requireRoot();
  const settings = await settingsOf(given);
  await makeFolders(given.places.state, 0o700);
  return withLock(lockOf(given), LOCK_WAIT_MS, async () => {
    const doors = await openHost(given.places, settings);
    const result = await preview(doors, settings);
    print(given, await statusOf(doors, settings, result), { next: result.next.step, steps: result.steps });
    return result.problem === null ? 0 : exitCodeOf(result.problem);
  });
}

/** `accept` and `revert`: the word is written down, and obeyed by this run or by the one that is at work now. */
export async function requestCommand(given: Arguments, request: AgentRequest): Promise<number> {
  requireRoot();
  await makeFolders(given.places.state, 0o700);
  await requestFile(given.places.state).write(request);
  try {
    return await runCommand(given, true);
  } catch (error) {
    if (!hasCode(error, 'locked')) throw error;
    process.stdout.write(`the agent at work was told; see "tuxtape-agent status"\n`);
    return 0;
  }
}

async function atWork(
  given: Arguments,
  body: (doors: Doors, settings: Settings) => Promise<RunResult>,
): Promise<number> {
  requireRoot();
  const settings = await settingsOf(given);
  await makeFolders(given.places.state, 0o700);
  return withLock(lockOf(given), LOCK_WAIT_MS, async () => {
    const host = await openHost(given.places, settings);
    const tell = teller(given, host, settings);
    const doors = { ...host, tell: async (journal: Journal) => void (await tell(journal)) };
    const result = await body(doors, settings).catch((error: unknown) => broken(doors, error));
    const server = await tell(result.journal);
    const status = { ...(await statusOf(doors, settings, result)), server: serverStatus(server) };
    await writeReports(given.places.run, status, settings.textfile);
    print(given, status);
    return result.problem === null ? 0 : exitCodeOf(result.problem);
  });
}

/** In memory, so that it ends with the boot, and a disk that is full hides no state behind it. */
function lockOf({ places }: Arguments): string {
  return join(places.run, 'lock');
}

/** Checks in with the server of this host; one that did not answer once is not asked again in this run. */
function teller(
  given: Arguments,
  doors: Doors,
  settings: Settings,
): (journal: Journal) => Promise<ServerContact | null> {
  let last: ServerContact | null = null;
  return async (journal) => {
    if (last === null || last.failingSince === null)
      last = await tryCheckIn(given.places, doors, { settings, journal, version: VERSION });
    return last;
  };
}

/** A run that could not end says so in the reports as well: silence would read as "all is well". */
async function broken(doors: Doors, error: unknown): Promise<RunResult> {
  const bootId = await doors.kernel.bootId();
  const journal = await doors.journal.read(bootId).catch(() => emptyJournal(bootId));
  const problem = AgentError.of(error);
  return { journal, note: 'the run did not come to its end', problem, steps: [], index: undefined };
}

export function requireRoot(): void {
  if (!isRoot()) throw new AgentError('not-root', 'input', { what: 'this needs root', remedy: 'run it as root' });
}

function print({ json }: Arguments, status: AgentStatus, more: object = {}): void {
  process.stdout.write(json ? `${JSON.stringify({ ...status, ...more })}\n` : statusText(status));
}
