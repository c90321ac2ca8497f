/** `block`: no livepatch is made. `two-approvals`: a second person must say yes, too. `note`: shown to the reviewer. */
export type Level = 'block' | 'two-approvals' | 'note';

/** One hazard as the lint sees it. docs/reference/lint.md is written from these. */
export interface Rule {
  /** Number in the list of hazards of livepatching; null: none of them, but a reviewer must know. */
  readonly hazard: number | null;
  readonly level: Level;
  /** What is found, in general. */
  readonly what: string;
  /** Why it is dangerous, or impossible. */
  readonly why: string;
  /** What to do instead. */
  readonly remedy: string;
}
