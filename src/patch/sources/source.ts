import type { Git } from '#host';
import type { Sides } from '../compose/options.ts';

/** The change of one commit, as a source gave it. */
export interface FetchedFix {
  readonly text: string;
  /** Path of the file it was read from; null: from git. */
  readonly file: string | null;
  /** When it was written (author date), in milliseconds since 1970; null: the source does not say. */
  readonly date: number | null;
}

/** Where fixes are fetched from by their commit. */
export interface FixSource {
  readonly kind: 'directory' | 'git' | 'http';
  /** What opens it again. */
  readonly address: string;
  /** Repository whose history can be asked; null: there is none. */
  readonly history: Git | null;
  /**
   * The change of this very commit (7 to 40 hex digits); undefined: the source does not have it.
   * Errors: wrong-commit, fix-unreadable, and those of the door it goes through.
   */
  changeOf(commit: string): Promise<FetchedFix | undefined>;
  /** A file before and after a commit, a character a byte; null: that cannot be had here. */
  sides(commit: string, path: string): Promise<Sides | null>;
  /** Commits it holds, sorted; empty where it cannot say. */
  list(): Promise<readonly string[]>;
}

/** The outside, as a source of fixes sees it. */
export interface FixDoors {
  /** GETs a URL; errors as `fetchBytes`, no redirect is followed. */
  get(url: string, limits: { readonly timeoutMs: number; readonly maxBytes: number }): Promise<Buffer>;
  sleep(ms: number): Promise<void>;
  /** Folder for what is fetched over the network. */
  readonly cache: string;
}
