import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildIdOfNotes, messageOf } from '#domain';
import { errno, systemClock } from '#host';
import { RebootError } from './error.ts';
import type { Moment } from './plan-run.ts';

/** What the runner asks the machine. */
export interface RebootDoors {
  /** Errors: machine-unreadable. */
  moment(): Promise<Moment>;
  /** Why nothing is begun here; null: nothing is in the way. */
  stopped(): Promise<string | null>;
  /** Is starting another kernel by kexec switched off until the next boot (Documentation/admin-guide/sysctl/kernel.rst)? */
  kexecDisabled(): Promise<boolean | null>;
}

/** A file of this name beside the hooks holds everything; what is in it is for people. */
export const STOP_FILE = 'hooks.stop';

/** This machine; `config`: the folder that the hooks are in, `/etc/tuxtape`. */
export function linuxDoors(config: string): RebootDoors {
  return {
    async moment() {
      const [boot, uptime] = [await needText('/proc/sys/kernel/random/boot_id'), await needText('/proc/uptime')];
      const seconds = Number(uptime.split(' ')[0]);
      if (boot === '' || !Number.isFinite(seconds)) throw unreadable('/proc/uptime', new TypeError('it says no time'));
      const notes = await readFile('/sys/kernel/notes').catch(() => undefined);
      const kernel = notes === undefined ? null : (buildIdOfNotes(notes) ?? null);
      return { boot, kernel, uptime: seconds, at: systemClock.now().toISOString() };
    },
    async stopped() {
      const stop = await fileWord(join(config, STOP_FILE));
      if (stop !== undefined) return `${STOP_FILE} is there`;
      const level = await fileWord(join(config, 'level'));
      if (level !== undefined && level !== 'normal') return `the level of this host is ${JSON.stringify(level)}`;
      // What keeps the agent from loading keeps hooks from running.
      const commandLine = (await fileWord('/proc/cmdline')) ?? 'tuxtape=stop';
      const words = [...commandLine.matchAll(/(?:^|\s)tuxtape=(\S*)/g)].map((match) => match[1]);
      return words.every((word) => word === 'normal')
        ? null
        : `the kernel command line says tuxtape=${words.join(',')}`;
    },
    async kexecDisabled() {
      const word = await fileWord('/proc/sys/kernel/kexec_load_disabled');
      return word === undefined || !/^[01]$/.test(word) ? null : word === '1';
    },
  };
}

/** Undefined: it is not there. What is there and cannot be read is a word that nobody knows. */
async function fileWord(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').then(
    (text) => text.trim().slice(0, 4_096),
    (error: unknown) => (errno(error) === 'ENOENT' ? undefined : `unreadable: ${errno(error)}`),
  );
}

async function needText(path: string): Promise<string> {
  return readFile(path, 'utf8').then(
    (text) => text.trim(),
    (error: unknown) => {
      throw unreadable(path, error);
    },
  );
}

function unreadable(path: string, cause: unknown): RebootError {
  return new RebootError('machine-unreadable', 'toolchain', {
    what: `the machine does not say which boot this is: ${messageOf(cause)}`,
    where: path,
    cause,
  });
}
