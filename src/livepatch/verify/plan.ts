import type { BuildId, PatchedFunction } from '#domain';

/** How what a step printed is judged; `judge.ts` has a function for each. */
export type Judge =
  /** By its exit code: 0 passed, 77 skipped. */
  | { readonly by: 'exit' }
  | { readonly by: 'build-id'; readonly buildId: BuildId }
  /** Lines of the workload; kinds that failed without the livepatch, too, are not counted against it. */
  | { readonly by: 'workload' }
  | { readonly by: 'state' }
  | { readonly by: 'objects'; readonly objects: readonly string[] }
  | { readonly by: 'functions'; readonly functions: readonly PatchedFunction[] }
  | { readonly by: 'hits'; readonly moduleName: string; readonly functions: readonly PatchedFunction[] }
  /** As by exit; where this kernel cannot do it at all, that is said, and what it logs meanwhile is not held against the livepatch. */
  | { readonly by: 'return' }
  /** The bug shows: it ends with another code than 0, or the kernel reports. */
  | { readonly by: 'reproduced' };

/** One step of a proof: what is run in the machine, how it is judged, and what comes of a failure. */
export interface Step {
  readonly name: string;
  readonly command: string;
  readonly judge: Judge;
  /** `stop`: the steps behind it are not run, but those `always`. */
  readonly onFailure?: 'stop' | 'go on';
  /** Run only if that step passed; else it is skipped, and says why. */
  readonly needs?: string;
  /** Run even after a stop, and only then shown if it fails: it leaves the machine as it was. */
  readonly always?: boolean;
  /** Nothing is said of it when it passes. */
  readonly quiet?: boolean;
  /** It may break the machine, which is no fault: the steps behind it get a new one. */
  readonly mayBreak?: boolean;
  readonly timeoutMs?: number;
}

/** What a plan is made of. Names are plain (`isPlain`). */
export interface PlanSubject {
  readonly moduleName: string;
  /** Path of the module in the machine. */
  readonly path: string;
  readonly functions: readonly PatchedFunction[];
  /** Module files that its targets are and need, in loading order. */
  readonly targetFiles: readonly string[];
  /** Module files that it depends on itself. */
  readonly neededFiles: readonly string[];
  /** Path of the CVE's reproducer in the machine. */
  readonly reproducer: string | null;
  /** The livepatch that comes after it, or the same code under another name. */
  readonly next:
    | { readonly moduleName: string; readonly path: string; readonly what: string }
    | { readonly why: string };
}
