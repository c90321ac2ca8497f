import { factQuestions, hasCode, isRebootAction, messageOf, type RebootAction, type RebootFactName } from '#domain';
import { readLimited, whoElseWrites } from '#host';
import { RebootError } from './error.ts';
import { placeholders } from './words.ts';

export const MAX_HOOKS_BYTES = 64 << 10;
const MAX_ARGUMENTS = 64;
const MAX_ARGUMENT_LENGTH = 4_096;
const MAX_TIMEOUT_SECONDS = 6 * 3600;
const MAX_REBOOTS_PER_DAY = 24;
const MAX_PAUSE_SECONDS = 7 * 86_400;
const DEFAULT_REBOOTS_PER_DAY = 1;

/** A program that the operator of a host named. */
export interface Hook {
  /** Absolute path. */
  readonly program: string;
  /** As they are written, but for words that are a placeholder as a whole (`words.ts`). */
  readonly arguments: readonly string[];
  readonly timeoutSeconds: number;
  /** Seconds for which the host's work does not answer because of it, as the operator states it; null: as measured. */
  readonly pauseSeconds: number | null;
}

/** `hooks.json`, the host's own. */
export interface HookFile {
  readonly hooks: ReadonlyMap<RebootAction, Hook>;
  /** Stated, or asked of a program: exit code 0 is yes, 1 is no, all else is unknown. */
  readonly facts: ReadonlyMap<RebootFactName, boolean | Hook>;
  /** Prints the build-id of the kernel that starts next. */
  readonly nextKernel: Hook | null;
  readonly rebootsPerDay: number;
}

/**
 * Reads `hooks.json`. Nobody but `owners` may be able to change it, a program that it names, or a file that a program is given.
 * Errors: not-set-up, hooks-invalid, hooks-unsafe.
 */
export async function readHooks(path: string, owners: readonly number[]): Promise<HookFile> {
  const text = await readLimited(path, MAX_HOOKS_BYTES).catch((error: unknown) => {
    if (hasCode(error, 'file-missing'))
      throw new RebootError('not-set-up', 'input', {
        what: 'this host has no hooks: nothing can be done to it',
        where: path,
        remedy: 'write the file as docs/reference/reboot.md says',
        cause: error,
      });
    throw invalid(path, messageOf(error), error);
  });
  await demandOwned(path, owners);
  let file: HookFile;
  try {
    file = parseHooks(JSON.parse(text.toString('utf8')));
  } catch (error) {
    throw invalid(path, messageOf(error), error);
  }
  const programs = [...file.hooks.values(), ...file.facts.values(), file.nextKernel];
  for (const hook of programs) if (hook !== null && typeof hook === 'object') await demandHookOwned(hook, owners);
  return file;
}

function invalid(path: string, why: string, cause: unknown): RebootError {
  return new RebootError('hooks-invalid', 'input', {
    what: `the hooks cannot be used: ${why}`,
    where: path,
    remedy: 'correct the file as docs/reference/reboot.md says',
    cause,
  });
}

/** Of a program and of every file among its arguments: a shell script that is given to `/bin/sh` runs as the program does. */
export async function demandHookOwned({ program, arguments: words }: Hook, owners: readonly number[]): Promise<void> {
  await demandOwned(program, owners);
  for (const word of words.filter((one) => one.startsWith('/'))) await demandOwned(word, owners, true);
}

async function demandOwned(path: string, owners: readonly number[], mayLack = false): Promise<void> {
  const why = await whoElseWrites(path, owners).catch((error: unknown) => {
    // An argument may name what a hook makes.
    if (mayLack && hasCode(error, 'file-missing')) return null;
    return messageOf(error);
  });
  if (why === null) return;
  throw new RebootError('hooks-unsafe', 'input', {
    what: `a hook is not run that others could change: ${why}`,
    where: path,
    remedy: 'give it and every folder above it to root, writable by nobody else',
  });
}

/** Strict: a name that is not known may be a slip that leaves a guard out. Errors: TypeError, which says what is wrong. */
export function parseHooks(value: unknown): HookFile {
  const fields = object('it', value, ['hooks', 'facts', 'rebootsPerDay']);
  const hooks = new Map<RebootAction, Hook>();
  for (const [name, one] of Object.entries(object('"hooks"', fields['hooks'] ?? {}))) {
    if (!isRebootAction(name)) throw new TypeError(`there is no action "${name}"`);
    hooks.set(name, hookOf(name, one));
  }
  const facts = new Map<RebootFactName, boolean | Hook>();
  let nextKernel: Hook | null = null;
  for (const [name, one] of Object.entries(object('"facts"', fields['facts'] ?? {}))) {
    if (name === 'nextKernel') nextKernel = hookOf(name, one);
    else if (isFactName(name)) facts.set(name, typeof one === 'boolean' ? one : hookOf(name, one));
    else throw new TypeError(`there is no fact "${name}"`);
  }
  const { rebootsPerDay = DEFAULT_REBOOTS_PER_DAY } = fields;
  return { hooks, facts, nextKernel, rebootsPerDay: whole('rebootsPerDay', rebootsPerDay, 0, MAX_REBOOTS_PER_DAY) };
}

function isFactName(name: string): name is RebootFactName {
  return Object.hasOwn(factQuestions, name);
}

function hookOf(name: string, value: unknown): Hook {
  const fields = object(`"${name}"`, value, ['program', 'arguments', 'timeoutSeconds', 'pauseSeconds']);
  const { program, timeoutSeconds, pauseSeconds = null } = fields;
  const words = fields['arguments'] ?? [];
  if (!isText(program) || !program.startsWith('/')) throw new TypeError(`"${name}": "program" is no absolute path`);
  if (!Array.isArray(words) || words.length > MAX_ARGUMENTS || !words.every(isText))
    throw new TypeError(`"${name}": "arguments" is no list of at most ${MAX_ARGUMENTS} texts`);
  // A placeholder inside a word would be text of a server that becomes part of an option.
  for (const word of words)
    if (/\{[a-z-]+\}/.test(word) && !Object.hasOwn(placeholders, word))
      throw new TypeError(
        `"${name}": "${word}" is none of ${Object.keys(placeholders).join(' and ')}, which stand alone`,
      );
  const isPause =
    pauseSeconds === null ||
    (typeof pauseSeconds === 'number' && pauseSeconds >= 0 && pauseSeconds <= MAX_PAUSE_SECONDS);
  if (!isPause) throw new TypeError(`"${name}": "pauseSeconds" is no number of seconds`);
  return {
    program,
    arguments: words,
    timeoutSeconds: whole(`${name}: timeoutSeconds`, timeoutSeconds, 1, MAX_TIMEOUT_SECONDS),
    pauseSeconds,
  };
}

function object(what: string, value: unknown, known?: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError(`${what} is no JSON object`);
  const unknown = known && Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new TypeError(`"${unknown}" is not known`);
  return { ...value };
}

function whole(name: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new TypeError(`"${name}" is no whole number from ${least} to ${most}`);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_ARGUMENT_LENGTH && !value.includes('\0');
}
