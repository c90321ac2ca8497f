import { type BuildId, isBuildId } from './kernel.ts';

/** True, false, or null: not known. What is not known never counts as true. */
export type Known = boolean | null;

/**
 * What can be done to a host by hooks that its operator set up there, in the order in which a plan does them. Closed: a word that is not
 * here reaches no host.
 */
export const rebootActions = [
  'mitigate',
  'drain',
  'migrate',
  'checkpoint',
  'kexec',
  'reboot',
  'restore',
  'return',
] as const;
export type RebootAction = (typeof rebootActions)[number];

export function isRebootAction(text: string): text is RebootAction {
  return (rebootActions as readonly string[]).includes(text);
}

/** Answers to yes-or-no questions about a host; what each asks is in `factQuestions`. */
export const rebootFactNames = [
  'kexecAllowed',
  'comesBack',
  'interruptible',
  'scheduled',
  'roomElsewhere',
  'guestsMovable',
  'checkpointable',
  'imageRoom',
] as const;
export type RebootFactName = (typeof rebootFactNames)[number];

/** Each as the sentence that is true when the answer is yes. */
export const factQuestions: Readonly<Record<RebootFactName, string>> = {
  kexecAllowed: 'the kernel lets another one be started by kexec',
  comesBack: 'the machine comes back from a reboot by itself',
  interruptible: 'its work may be interrupted',
  scheduled: 'a scheduler can move its work to other machines',
  roomElsewhere: 'other machines have room for its work',
  guestsMovable: 'all of its guests can be migrated while they run',
  checkpointable: 'its work can be checkpointed and restored',
  imageRoom: 'there is room for the images of a checkpoint',
};

/** What a host says of itself for a plan; every part of it may be unknown. */
export interface RebootFacts extends Readonly<Record<RebootFactName, Known>> {
  /** Actions that the host has a hook for. */
  readonly hooks: readonly RebootAction[] | null;
  /** Is it held by a stop file or by its level? */
  readonly stopped: Known;
  /** Reboots and kexecs that its own cap still lets happen. */
  readonly rebootsLeft: number | null;
  /** Build-id of the kernel that it starts next. */
  readonly nextKernel: BuildId | null;
  /** Seconds for which its work does not answer because of an action: measured or stated there. An action that is not here is not known. */
  readonly pauses: Readonly<Partial<Record<RebootAction, number>>>;
}

/** A host that said nothing. */
export const noFacts: RebootFacts = {
  hooks: null,
  stopped: null,
  rebootsLeft: null,
  nextKernel: null,
  pauses: {},
  kexecAllowed: null,
  comesBack: null,
  interruptible: null,
  scheduled: null,
  roomElsewhere: null,
  guestsMovable: null,
  checkpointable: null,
  imageRoom: null,
};

const MOST_REBOOTS = 10_000;
const MOST_PAUSE_SECONDS = 7 * 86_400;

/**
 * Reads facts from parsed JSON; a fact that is not there is not known. Strict: a name that is not known here may be a slip, and a value of
 * the wrong kind is no answer. Null: it cannot be believed, and nothing of it is.
 */
export function parseRebootFacts(value: unknown): RebootFacts | null {
  if (!isObject(value)) return null;
  if (!Object.keys(value).every((name) => Object.hasOwn(noFacts, name))) return null;
  const fields: Record<string, unknown> = { ...noFacts, ...value };
  const { hooks, rebootsLeft, nextKernel, pauses } = fields;
  const good =
    [...rebootFactNames, 'stopped'].every((name) => fields[name] === null || typeof fields[name] === 'boolean') &&
    (hooks === null || isActions(hooks)) &&
    (rebootsLeft === null || isWithin(rebootsLeft, MOST_REBOOTS, true)) &&
    (nextKernel === null || (typeof nextKernel === 'string' && isBuildId(nextKernel))) &&
    isObject(pauses) &&
    Object.entries(pauses).every(([name, of]) => isRebootAction(name) && isWithin(of, MOST_PAUSE_SECONDS, false));
  return good ? (fields as unknown as RebootFacts) : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isActions(value: unknown): value is RebootAction[] {
  return (
    Array.isArray(value) &&
    new Set(value).size === value.length &&
    value.every((one) => typeof one === 'string' && isRebootAction(one))
  );
}

function isWithin(value: unknown, most: number, whole: boolean): value is number {
  return (
    typeof value === 'number' &&
    value >= 0 &&
    value <= most &&
    (whole ? Number.isInteger(value) : Number.isFinite(value))
  );
}
