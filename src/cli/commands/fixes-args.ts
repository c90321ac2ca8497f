import { systemClock } from '#host';
import type { FixSource } from '#patch';
import { openFixSource } from '#pipeline';
import type { Context } from '../context.ts';

export const FIXES_HELP =
  'where the fixes are: a directory of <commit>.patch files, a git repository, git:ADDRESS, or the https address of a page of cgit';

/** The source of fixes that a flag names, else the configuration. Errors: as `openFixSource`; config errors. */
export async function fixesOf(context: Context, flag: string | undefined): Promise<FixSource> {
  const config = await context.config();
  const { signal } = context;
  const dataDirectory = config.need('data');
  return openFixSource(flag ?? config.need('livepatch.fixes'), { dataDirectory, clock: systemClock, signal });
}
