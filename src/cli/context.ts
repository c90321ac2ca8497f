import type { Config } from '#config';
import type { Logger } from '#host';
import type { Store } from '#store';

/** Told how far a long piece of work is; `total` null = unknown. */
export type Step = (done: number, total: number | null, note?: string) => void;

/** What every command gets: configuration, store and output, opened on first use and closed by `main`. */
export interface Context {
  config(): Promise<Config>;
  store(): Promise<Store>;
  log(): Promise<Logger>;
  /** Results are printed as JSON. */
  readonly json: boolean;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Prints the result: as JSON with --json, else the rendered text. Call it once, at the end. */
  print(result: unknown, render: () => string): void;
  /**
   * Shows a bar on a terminal, plain lines elsewhere (on stderr), while `body` runs. `whenStopped`: what is left when Ctrl-C
   * ends it, and what a second run does.
   */
  progress<T>(title: string, body: (step: Step) => Promise<T>, whenStopped?: string): Promise<T>;
}
