import type { LogLine } from '../line.ts';

/** What happened to a livepatch. `other`: a message of kernel/livepatch that tells of none of these. */
export type LivepatchStep =
  | 'enabling'
  | 'starting'
  | 'complete'
  | 'stalled'
  | 'reversed'
  | 'forced'
  | 'failed'
  | 'unsupported'
  | 'other';

/** One message of kernel/livepatch (`livepatch: …`, pr_fmt of its files). */
export interface LivepatchEvent {
  readonly step: LivepatchStep;
  /** `patching` the patch goes on, `unpatching` it goes off; null where not said. */
  readonly direction: 'patching' | 'unpatching' | null;
  readonly patch: string | null;
  /** Object (`vmlinux` or a module) that the message names. */
  readonly object: string | null;
  /** Function or symbol that the message names. */
  readonly symbol: string | null;
  /** The message, without the prefix. */
  readonly text: string;
  /** Line of the input, from 1. */
  readonly line: number;
  /** Seconds since boot; null where not said. */
  readonly time: number | null;
}

/** kernel/livepatch/{core,patch,transition,shadow}.c of 4.14 to 7.2; the first that fits wins. */
const STEPS: readonly (readonly [LivepatchStep, RegExp])[] = [
  ['enabling', /^enabling patch '/],
  ['starting', /: starting (?:un)?patching transition$/],
  ['complete', /: (?:un)?patching complete$/],
  ['stalled', /^signaling remaining tasks$/],
  ['reversed', /: reversing transition from |: canceling patching transition, going to unpatch/],
  ['forced', /^forcing remaining tasks to the patched state$/],
  [
    'failed',
    /^failed to |^kallsyms size lookup failed|^pre-patch callback failed|^unresolvable ambiguity|^symbol .* not found|^symbol .* not marked|incorrectly formatted name|^invalid access to vmlinux symbol|is not marked as a livepatch module|is not compatible with the already installed|refusing to load module|^Failed to construct shadow/,
  ],
  ['unsupported', /^This architecture doesn't have support|^The livepatch transition may never complete/],
];

const PREFIX = 'livepatch: ';
const TEXT_MAX = 300;

/** Where a transition goes: of two words the last, `reversing transition from patching to unpatching`. */
const DIRECTION = /^.*[ :](?:(unpatch|patch)ing\b|going to (unpatch)$)/;

/** What a line tells of; null for a line of another part of the kernel. */
export function livepatchStep(line: string): LivepatchStep | null {
  if (!line.startsWith(PREFIX)) return null;
  const text = line.slice(PREFIX.length, PREFIX.length + TEXT_MAX);
  return STEPS.find(([, form]) => form.test(text))?.[0] ?? 'other';
}

/** The event a line tells; null for a line of another part of the kernel. */
export function livepatchEvent(line: LogLine): LivepatchEvent | null {
  const step = line.fromKernel && !line.rest ? livepatchStep(line.text) : null;
  if (step === null) return null;
  const text = line.text.slice(PREFIX.length, PREFIX.length + TEXT_MAX);
  const direction = DIRECTION.exec(text)?.slice(1).find(Boolean);
  return {
    step,
    direction: direction === undefined ? null : direction === 'patch' ? 'patching' : 'unpatching',
    patch:
      /patch '([^']{1,64})'|^'([^']{1,64})': |Livepatch patch \(([^)]{1,64})\)/.exec(text)?.slice(1).find(Boolean) ??
      null,
    object: /(?:object|module) '([^']{1,64})'/.exec(text)?.[1] ?? null,
    symbol:
      /(?:symbol|function|for) '([^']{1,128})'|^symbol (?!position )([\w.]{1,128}) /
        .exec(text)
        ?.slice(1)
        .find(Boolean) ?? null,
    text,
    line: line.number,
    time: line.time,
  };
}
