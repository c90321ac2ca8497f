import { POSITIONS, type Spans } from './cohort.ts';
import { type BuildId, isBuildId } from './kernel.ts';
import { type MaintenanceWindow, windowProblem } from './window.ts';

/** What the archive's rollout role signs for one kernel: which hosts may start now. Its size does not depend on how many there are. */
export interface RolloutFile {
  readonly version: 1;
  readonly buildId: BuildId;
  /** Only rises. A host never goes back to a smaller one than it has seen. */
  readonly serial: number;
  readonly rollouts: readonly RolloutEntry[];
}

export interface RolloutEntry {
  readonly id: string;
  /** Number and module of the release: the rollout role chooses among what the release role signed. */
  readonly number: number;
  readonly sha256: string;
  readonly state: 'open' | 'paused' | 'halted';
  /** What a host does that is between load and acceptance while the state is `halted`. */
  readonly onHalt: 'finish' | 'revert';
  /** Only hosts that the server counted with their labels start: there are caps. */
  readonly counted: boolean;
  /** Seconds a host watches a load before it accepts; the floor of the release role counts where it is longer. */
  readonly soakSeconds: number;
  readonly startWithinSeconds: number;
  readonly windows: readonly MaintenanceWindow[];
  readonly rings: readonly { readonly name: string; readonly open: Spans }[];
}

export const MAX_ROLLOUT_FILE_BYTES = 256 << 10;
/** Per kernel: the newest that is done, and those that follow it. */
export const MAX_ENTRIES = 4;
export const MAX_RINGS = 16;
/** Runs of positions that a rollout has open at a time, all rings together: each costs 34 bytes at most. */
export const MAX_SPANS = 512;
export const MAX_WINDOWS = 16;
/** Half a year: longer is a mistake. */
export const MAX_SECONDS = 15_768_000;

const SHA256 = /^[0-9a-f]{64}$/;
const ROLLOUT_ID = /^[A-Za-z0-9-]{1,64}$/;
const LABEL = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** Names of rings and labels. */
export function isLabelName(text: string): boolean {
  return LABEL.test(text);
}

export function isRolloutId(text: string): boolean {
  return ROLLOUT_ID.test(text);
}

export function rolloutPath(buildId: BuildId): string {
  return `rollout/${buildId}.json`;
}

/** The file as it is signed: fields in this order, no spaces. */
export function renderRolloutFile(file: RolloutFile): string {
  return `${JSON.stringify(file)}\n`;
}

/** Reads a rollout file; undefined where any part is not exactly as `RolloutFile` says, or one more is there. */
export function parseRolloutFile(text: string): RolloutFile | undefined {
  if (text.length > MAX_ROLLOUT_FILE_BYTES) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isFile(value) ? value : undefined;
}

type Check = (value: unknown) => boolean;

/** Exactly these fields, each as its check says. */
function isShaped(value: unknown, checks: Readonly<Record<string, Check>>): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const fields = Object.entries(value);
  return (
    fields.length === Object.keys(checks).length &&
    fields.every(([name, field]) => Object.hasOwn(checks, name) && checks[name]!(field))
  );
}

const isText =
  (test: (text: string) => boolean): Check =>
  (value) =>
    typeof value === 'string' && test(value);

const isWhole =
  (least: number, most: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;

const isList =
  (most: number, test: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length <= most && value.every(test);

const isOneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && words.includes(value);

function isFile(value: unknown): value is RolloutFile {
  return isShaped(value, {
    version: (field) => field === 1,
    buildId: isText(isBuildId),
    serial: isWhole(1, Number.MAX_SAFE_INTEGER),
    rollouts: (field) => isList(MAX_ENTRIES, isEntry)(field) && isUnique(field as RolloutEntry[], ({ id }) => id),
  });
}

function isEntry(value: unknown): boolean {
  return isShaped(value, {
    id: isText(isRolloutId),
    number: isWhole(1, Number.MAX_SAFE_INTEGER),
    sha256: isText((text) => SHA256.test(text)),
    state: isOneOf('open', 'paused', 'halted'),
    onHalt: isOneOf('finish', 'revert'),
    counted: (field) => typeof field === 'boolean',
    soakSeconds: isWhole(0, MAX_SECONDS),
    startWithinSeconds: isWhole(1, MAX_SECONDS),
    windows: isList(MAX_WINDOWS, isWindow),
    rings: isRings,
  });
}

function isRings(value: unknown): boolean {
  if (!isList(MAX_RINGS, isRing)(value)) return false;
  const rings = value as RolloutEntry['rings'];
  return isUnique(rings, ({ name }) => name) && rings.reduce((sum, { open }) => sum + open.length, 0) <= MAX_SPANS;
}

function isUnique<T>(list: readonly T[], name: (item: T) => string): boolean {
  return new Set(list.map(name)).size === list.length;
}

function isWindow(value: unknown): boolean {
  const isShort = isText((text) => text.length <= 64);
  const fields = { days: isList(7, isShort), from: isShort, until: isShort, zone: isShort };
  return isShaped(value, fields) && windowProblem(value as unknown as MaintenanceWindow) === null;
}

function isRing(value: unknown): boolean {
  return isShaped(value, { name: isText(isLabelName), open: isSpans });
}

/** In order, and none touching the next: there is one way to write each set of positions. */
function isSpans(value: unknown): boolean {
  const isSpan: Check = (span) => Array.isArray(span) && span.length === 2 && span.every(isWhole(0, POSITIONS));
  if (!isList(MAX_SPANS, isSpan)(value)) return false;
  let last = -1;
  for (const [from, to] of value as Spans) {
    if (from <= last || to <= from) return false;
    last = to;
  }
  return true;
}
