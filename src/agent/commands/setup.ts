import { join } from 'node:path';
import { messageOf } from '#domain';
import { findProgram, makeFolders, readLimited, run, systemClock, writeAtomic } from '#host';
import { openArchive } from '#trust';
import { AgentError } from '../error.ts';
import { enrol } from '../fleet/enrol.ts';
import { linuxKernel } from '../kernel/door.ts';
import { parseSettings, readSettings } from '../settings.ts';
import type { Arguments } from './arguments.ts';
import { requireRoot } from './at-work.ts';

const MAX_ROOT_BYTES = 1 << 20;
const SYSTEMCTL_TIMEOUT_MS = 60_000;
const UNITS = ['tuxtape-agent.timer', 'tuxtape-agent-boot.service'];

/**
 * `setup --archive URL --root FILE [--ring NAME]`: takes over the root of trust and the address, and starts the timer with
 * `--timer`. The archive is asked before anything is written: an address or a root that does not fit changes nothing.
 */
export async function setupCommand({ places, given, root, timer, enrol: asked }: Arguments): Promise<number> {
  requireRoot();
  if (root === undefined)
    throw new AgentError('root-unreadable', 'input', {
      what: 'the root of trust is not given',
      remedy: 'name the root.json of your archive with --root; have it from somebody you trust, not from the archive',
    });
  const trusted = await readLimited(root, MAX_ROOT_BYTES).catch((cause: unknown) => {
    throw new AgentError('root-unreadable', 'input', { what: 'the root of trust cannot be read', where: root, cause });
  });
  const before = await readSettings(places.config).catch(() => ({}));
  const settings = settingsFrom({ ...before, ...given });
  await makeFolders(places.state, 0o700);
  const archive = await openArchive({ url: settings.archive, root: trusted, state: places.state, clock: systemClock });
  await writeAtomic(join(places.config, 'root.json'), trusted);
  await writeAtomic(join(places.config, 'agent.json'), `${JSON.stringify(settings, null, 2)}\n`);
  process.stdout.write(`${settings.archive} is believed until ${archive.expires}; ring ${settings.ring}\n`);
  if (asked !== null) {
    // From a file: what is on a command line is read by every user of the machine.
    const token = (await readLimited(asked.tokenFile, MAX_ROOT_BYTES)).toString('utf8').trim();
    const { id, group, server } = await enrol({ ...asked, token, config: places.config });
    process.stdout.write(`this is host ${id} of group ${group} at ${server}\n`);
  }
  if (timer) await startTimer();
  return 0;
}

function settingsFrom(value: object): ReturnType<typeof parseSettings> {
  try {
    return parseSettings(value);
  } catch (error) {
    throw new AgentError('settings-invalid', 'input', {
      what: `this cannot be the configuration: ${messageOf(error)}`,
      remedy: 'see "tuxtape-agent --help"; nothing was changed',
      cause: error,
    });
  }
}

async function startTimer(): Promise<void> {
  const systemctl = findProgram('systemctl');
  if (systemctl === undefined) {
    process.stdout.write('no systemd here: run "tuxtape-agent run" every few minutes\n');
    return;
  }
  await run(systemctl, ['enable', '--now', ...UNITS], { timeoutMs: SYSTEMCTL_TIMEOUT_MS });
  process.stdout.write('the timer runs\n');
}

/** `shutdown`: run as the host goes down in an orderly way; a boot that did not get here has crashed. */
export async function shutdownCommand({ places }: Arguments): Promise<number> {
  requireRoot();
  await makeFolders(places.state, 0o700);
  await writeAtomic(join(places.state, 'clean-boot'), `${await linuxKernel(places.state).bootId()}\n`, 0o600);
  return 0;
}
