/**
 * How strongly a report speaks against a livepatch, weakest first.
 *
 * - `baseline`: the host or unpatched peers report the same, or the report is older than the load: not its fault.
 * - `loaded`: it is loaded, which says nothing.
 * - `later`: a report that was never seen before, within a day of the load: a coincidence is likely.
 * - `soon`: the same within ten minutes of it: a coincidence is possible.
 * - `hint`: an address of it, or of the machinery that redirects calls to it, is on the stack; nothing vouches for it.
 * - `caller`: the guilty function calls one that it replaces, and may have got another answer than before.
 * - `replaced`: a function that it replaces is guilty, or is in the call trace.
 * - `frame`: its own code is in the call trace.
 * - `instruction`: its own code is what failed.
 */
export const blameLevels = [
  'baseline',
  'loaded',
  'later',
  'soon',
  'hint',
  'caller',
  'replaced',
  'frame',
  'instruction',
] as const;

export type BlameLevel = (typeof blameLevels)[number];

/** One thing that speaks for the level, in words. They may hold names from the log: hostile text. */
export interface BlameReason {
  readonly level: BlameLevel;
  readonly text: string;
}

/** Below 0: `a` is weaker than `b`; 0: they are equal. */
export function compareBlame(a: BlameLevel, b: BlameLevel): number {
  return blameLevels.indexOf(a) - blameLevels.indexOf(b);
}
