import { expectedSources, type Freshness, freshness } from '#pipeline';
import type { Context } from './context.ts';
import { ago } from './text.ts';

/** Says on stderr, before a result that rests on them, which sources are a sample, stale, or were never read. */
export async function warnStale(context: Context): Promise<void> {
  const { db } = await context.store();
  const now = new Date();
  const sources = await freshness(db, expectedSources(await context.config()), now);
  for (const line of stalenessLines(sources, now)) process.stderr.write(`${line}\n`);
}

export function stalenessLines(sources: readonly Freshness[], now: Date): string[] {
  const stale = sources.filter(({ state, bundled }) => state === 'stale' && !bundled);
  const never = sources.filter(({ state }) => state === 'never').map(({ source }) => source);
  const lines = stale.map(({ source, at, newest }) => {
    const content = newest === null ? '' : `, its newest item is of ${newest.toISOString().slice(0, 10)}`;
    return `STALE: ${source} was last read ${ago(at!, now.getTime())}${content}; what came since is missing here.`;
  });
  if (sources.some(({ bundled }) => bundled))
    lines.unshift('SAMPLE DATA: a few CVEs that come with TuxTape. Not a picture of today.');
  if (never.length > 0)
    lines.push(
      `NOT READ YET: ${never.join(', ')}; what they know is missing here: run "tuxtape feed sync" and "tuxtape feed signals".`,
    );
  return lines;
}
