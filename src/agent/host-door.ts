import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { hasCode } from '#domain';
import { ProgramError, readLimited, run, sha256, systemClock, writeAtomic } from '#host';
import { HttpArchive } from './archive-door.ts';
import type { AgentRequest, Doors, HealthCheck, RequestDoor } from './doors.ts';
import { AgentError } from './error.ts';
import { readContact } from './fleet/contact.ts';
import { readSigner } from './fleet/identity.ts';
import type { Purpose, ReleaseRef } from './journal.ts';
import { journalFile } from './journal-file.ts';
import { linuxKernel } from './kernel/door.ts';
import { readFacts } from './kernel/facts.ts';
import { textOf } from './kernel/text.ts';
import { levelOf } from './level.ts';
import type { Myself } from './plan/observation.ts';
import { machineHost } from './plan/turn.ts';
import { refusalsOf } from './precheck/checks.ts';
import { readModuleInfo } from './precheck/module-info.ts';
import type { Refusal } from './precheck/refusal.ts';
import type { Settings } from './settings.ts';
import { ModuleStore } from './store.ts';

const MAX_ROOT_BYTES = 1 << 20;
const HEALTH_TIMEOUT_MS = 30_000;
const MAX_REQUEST_BYTES = 1_000;

export interface HostPlaces {
  readonly config: string;
  readonly state: string;
  readonly run: string;
  /** File of the root of trust. */
  readonly root: string;
}

/** This machine, by its settings. Errors: root-unreadable. */
export async function openHost(places: HostPlaces, settings: Settings): Promise<Doors> {
  const { state, config } = places;
  const root = await readRoot(places.root);
  const store = new ModuleStore(join(state, 'modules'));
  const kernel = linuxKernel(state);
  const health = healthOf(settings.health);
  const journal = journalFile(state);
  const ours = async (release: ReleaseRef): Promise<Set<string>> => {
    const { accepted, failed, release: current } = await journal.read(await kernel.bootId());
    return new Set([release, current, ...accepted, ...failed].flatMap((one) => one?.moduleName ?? []));
  };
  return {
    kernel,
    archive: new HttpArchive({ url: settings.archive, root, state, clock: systemClock }, store),
    store,
    journal,
    clock: systemClock,
    level: async () =>
      levelOf(await textOf(join(config, 'level')), await commandLine(places.run, await kernel.bootId())),
    cleanBoot: async () => (await textOf(join(state, 'clean-boot'))) ?? null,
    precheck: async (release, module, purpose) =>
      precheck(await kernel.buildId(), { release, module, purpose, ours: await ours(release) }, health),
    health,
    me: () => myself(places, settings.ring),
    requests: requestFile(state),
  };
}

/**
 * The kernel's command line, read once a boot: it never changes, and what reads /proc/cmdline may be what a livepatch
 * breaks. Where it cannot be read nothing is touched.
 */
async function commandLine(folder: string, bootId: string): Promise<string> {
  const path = join(folder, 'command-line');
  const [boot, ...kept] = ((await textOf(path)) ?? '').split('\n');
  if (boot === bootId) return kept.join('\n');
  const text = (await textOf('/proc/cmdline')) ?? 'tuxtape=stop';
  await writeAtomic(path, `${bootId}\n${text}\n`).catch(() => undefined); // Then it is read again.
  return text;
}

/** Id and counted serial come from enrolment and the last check-in; the ring only ever from this host. */
async function myself({ config, state }: HostPlaces, ring: string): Promise<Omit<Myself, 'now'>> {
  // An identity that cannot be read is still one: the host waits for its turn, and is nobody that loads as it likes.
  const signer = await readSigner(config).catch(() => 'damaged' as const);
  const { counted } = await readContact(state);
  const machine = (await textOf('/etc/machine-id')) ?? hostname();
  return {
    id: signer !== null && signer !== 'damaged' ? signer.identity.id : machineHost(sha256(`tuxtape ${machine}`)),
    ring,
    counted,
    follows: signer !== null,
  };
}

async function readRoot(path: string): Promise<Buffer> {
  return readLimited(path, MAX_ROOT_BYTES).catch((error: unknown) => {
    throw new AgentError('root-unreadable', 'input', {
      what: 'the root of trust cannot be read',
      where: path,
      remedy: 'run "tuxtape-agent setup" with the root.json of your archive',
      cause: error,
    });
  });
}

interface Checked {
  readonly release: ReleaseRef;
  readonly module: Buffer;
  readonly purpose: Purpose;
  readonly ours: ReadonlySet<string>;
}

async function precheck(buildId: string, checked: Checked, health: HealthCheck): Promise<readonly Refusal[]> {
  const facts = { ...(await readFacts()), buildId };
  const found = refusalsOf(facts, { ...checked, module: readModuleInfo(checked.module) });
  const unwell = checked.purpose === 'fallback' ? null : await health();
  if (unwell === null) return found;
  const remedy = 'a host that is not well gets nothing new; it is tried again at the next poll';
  return [...found, { code: 'health-failing', what: `the health command says: ${unwell}`, remedy }];
}

/** The operator's program by its own exit code; one that cannot be started or does not end is a "no". */
function healthOf(command: Settings['health']): HealthCheck {
  if (command === null) return () => Promise.resolve(null);
  const [program, ...args] = command;
  return async () => {
    try {
      await run(program, args, { timeoutMs: HEALTH_TIMEOUT_MS, keepTail: true, maxOutput: 4_096 });
      return null;
    } catch (error) {
      if (error instanceof ProgramError || hasCode(error, 'program-missing')) return error.message;
      throw error;
    }
  };
}

/** One file: the last word of a person counts. */
export function requestFile(state: string): RequestDoor & { write(request: AgentRequest): Promise<void> } {
  const path = join(state, 'request');
  return {
    async read() {
      const text = await readLimited(path, MAX_REQUEST_BYTES).catch(() => undefined);
      if (text === undefined) return null;
      const [word, number] = text.toString('utf8').trim().split(' ');
      if (word === 'revert') return { word };
      return word === 'accept' ? { word, number: number === undefined ? null : Number(number) } : null;
    },
    done: () => rm(path, { force: true }),
    write: (request) =>
      writeAtomic(
        path,
        `${request.word}${request.word === 'accept' && request.number !== null ? ` ${request.number}` : ''}\n`,
        0o600,
      ),
  };
}
