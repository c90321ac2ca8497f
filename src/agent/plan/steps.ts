import type { Journal, Purpose, ReleaseRef } from '../journal.ts';

/** Why a run ends without having done all it is for. Each is a code of the status file and an exit code. */
export type RestCode = 'unknown-kernel' | 'crash-loop' | 'alarm' | 'quarantined' | 'taken-off';

/** A livepatch that must not stay, and why. */
export interface Bad {
  readonly name: string;
  readonly why: string;
  readonly code: 'recalled' | 'quarantined';
}

/** What to do next. Pure data: it can be printed before anything is done. */
export type Plan =
  /** Nothing is left to do in this run; `code`: and that is not as it should be. */
  | { readonly step: 'rest'; readonly why: string; readonly code?: RestCode }
  /** Only the journal changes. */
  | { readonly step: 'note'; readonly journal: Journal; readonly why: string; readonly code?: RestCode }
  /** Ask the archive for the index of this kernel and its recalls. */
  | { readonly step: 'contact' }
  | {
      readonly step: 'fetch';
      readonly release: ReleaseRef;
      readonly purpose: Purpose;
      readonly over?: Bad;
      readonly leastSoak?: number;
    }
  | { readonly step: 'verify'; readonly release: ReleaseRef }
  | { readonly step: 'precheck'; readonly release: ReleaseRef }
  | { readonly step: 'load'; readonly release: ReleaseRef }
  /** Wait for the transition of a livepatch, with a deadline. */
  | { readonly step: 'watch'; readonly release: ReleaseRef }
  | { readonly step: 'soak'; readonly release: ReleaseRef }
  /** Turn a transition back: what was there before it stays. */
  | ({ readonly step: 'reverse' } & Bad)
  /** Take a livepatch off with nothing in its place. */
  | ({ readonly step: 'unpatch' } & Bad)
  /** Wait until a livepatch that goes off is off, with a deadline. */
  | { readonly step: 'await-off'; readonly name: string }
  /** Remove a module of ours that does nothing any more. */
  | { readonly step: 'clean'; readonly name: string };

/** Words for `tuxtape-agent check` and the log. */
export function describe(plan: Plan): string {
  switch (plan.step) {
    case 'rest':
    case 'note':
      return plan.why;
    case 'contact':
      return 'ask the archive';
    case 'fetch':
      return `fetch release ${plan.release.number} (${plan.purpose})`;
    case 'verify':
    case 'precheck':
    case 'load':
    case 'watch':
    case 'soak':
      return `${plan.step} release ${plan.release.number}`;
    default:
      return `${plan.step} ${plan.name}`;
  }
}
