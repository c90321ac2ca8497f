import * as z from 'zod/mini';
import { isCveId, type Signal } from '#domain';
import { HttpStatusError } from '#host';
import { FeedError } from '../error.ts';
import { judgementsOf, weaknessesOf } from './judgements.ts';
import { BadRows, instant, type SignalDoor, type SignalReading, unreadable } from './reading.ts';

/** The kernel CNA's id at NVD (NVD Source API): only its CVEs are asked for. */
export const KERNEL_CNA = '416baaa9-dc9f-4396-8d5f-8c081fb06d67';

const PAGE = 2_000;
const MAX_BYTES = 64 << 20;
const MAX_PAGES = 500;
/** "The maximum allowable range when using any date range parameters is 120 consecutive days" (NVD, Vulnerabilities API). */
const MAX_RANGE_MS = 119 * 86_400_000;
/** NVD asks to sleep six seconds between requests, with a key or without (NVD, API workflows). */
const PAUSE_MS = 6_000;
const TRIES = 6;
const FIRST_WAIT_MS = 10_000;
/** Nobody's Retry-After holds the readings of all sources up for longer. */
const MAX_WAIT_MS = 10 * 60_000;
/** What NVD changed while the last reading was on its way is read once more. */
const OVERLAP_MS = 3_600_000;
const THROTTLED = new Set([403, 429, 503]);

const pageSchema = z.object({
  resultsPerPage: z.number(),
  startIndex: z.number(),
  totalResults: z.number(),
  timestamp: z.string(),
  vulnerabilities: z.array(z.unknown()),
});

const metricSchema = z.array(z.object({ source: z.string(), cvssData: z.object({ vectorString: z.string() }) }));
const itemSchema = z.object({
  cve: z.object({
    id: z.string(),
    sourceIdentifier: z.string(),
    lastModified: z.string(),
    vulnStatus: z.string(),
    metrics: z.optional(z.object({ cvssMetricV31: z.optional(metricSchema), cvssMetricV30: z.optional(metricSchema) })),
    weaknesses: z.optional(z.array(z.object({ description: z.array(z.object({ value: z.string() })) }))),
  }),
});

type Page = z.infer<typeof pageSchema>;

/** `pauseMs` between two requests. */
export interface NvdOptions {
  readonly address: string;
  readonly key: string | null;
  readonly cursor: string | null;
  readonly pauseMs?: number;
}

/**
 * Reads what NVD says of the kernel CNA's CVEs: everything the first time, afterwards what was modified since the cursor,
 * in windows of 120 days, page by page. Errors: signal-unreadable, signal-truncated, signal-throttled.
 */
export async function readNvd(door: SignalDoor, options: NvdOptions): Promise<SignalReading> {
  const signals: Signal[] = [];
  const bad = new BadRows('nvd', options.address);
  const until = door.now();
  let read = until;
  let requests = 0;
  for (const window of windowsOf(options.cursor, until)) {
    for (let start = 0, total: number | null = null; total === null || start < total; ) {
      if (requests > 0) await door.sleep(options.pauseMs ?? PAUSE_MS);
      requests += 1;
      if (requests > MAX_PAGES) throw unreadable('nvd', options.address, `more than ${MAX_PAGES} pages`);
      const page = await readPage(door, options, { ...window, startIndex: String(start) });
      checkPage(page, { start, total, everything: options.cursor === null }, options.address);
      if (requests === 1) read = earlier(until, page, options.address);
      for (const item of page.vulnerabilities) readItem(item, signals, bad);
      start += page.vulnerabilities.length;
      total = page.totalResults;
    }
  }
  return { signals, bad: bad.rows, whole: false, newest: read, cursor: read.toISOString() };
}

/** The next reading goes on from NVD's clock, unless ours is behind it: neither may skip what NVD changed in between. */
function earlier(ours: Date, { timestamp }: Page, address: string): Date {
  const theirs = instant(timestamp);
  if (theirs === null) throw unreadable('nvd', address, `the answer says no time ("${timestamp.slice(0, 40)}")`);
  return theirs < ours ? theirs : ours;
}

function windowsOf(cursor: string | null, until: Date): Record<string, string>[] {
  const since = instant(cursor);
  if (since === null) return [{}];
  const windows: Record<string, string>[] = [];
  for (let from = since.getTime() - OVERLAP_MS; from < until.getTime(); from += MAX_RANGE_MS) {
    const to = Math.min(from + MAX_RANGE_MS, until.getTime());
    windows.push({ lastModStartDate: new Date(from).toISOString(), lastModEndDate: new Date(to).toISOString() });
  }
  return windows;
}

async function readPage(door: SignalDoor, { address, key }: NvdOptions, query: Record<string, string>): Promise<Page> {
  const url = new URL(address);
  const all = { sourceIdentifier: KERNEL_CNA, resultsPerPage: String(PAGE), ...query };
  for (const [name, value] of Object.entries(all)) url.searchParams.set(name, value);
  const bytes = await patiently(door, url.href, key === null ? {} : { apiKey: key });
  try {
    return pageSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw unreadable('nvd', address, 'the answer is not a page of the CVE API 2.0', error);
  }
}

/** NVD refuses by 403 or 503 when it is asked too often: waits twice as long each time, or as long as it says. */
async function patiently(door: SignalDoor, url: string, headers: Record<string, string>): Promise<Buffer> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await door.get(url, MAX_BYTES, headers);
    } catch (error) {
      if (!(error instanceof HttpStatusError) || !THROTTLED.has(error.status)) throw error;
      if (attempt + 1 === TRIES)
        throw new FeedError('signal-throttled', 'network', {
          what: `nvd: refused ${TRIES} times (${error.status})`,
          where: new URL(url).origin,
          remedy: 'ask NVD for an API key and set signals.nvd.key, or try again later; what was read before is kept',
          cause: error,
        });
      await door.sleep(Math.min(error.retryAfterMs ?? FIRST_WAIT_MS * 2 ** attempt, MAX_WAIT_MS));
    }
  }
}

interface Asked {
  readonly start: number;
  /** What the pages before said there is in all. */
  readonly total: number | null;
  /** Not only what was modified since a time. */
  readonly everything: boolean;
}

function checkPage(page: Page, { start, total, everything }: Asked, address: string): void {
  const { startIndex, totalResults, vulnerabilities } = page;
  if (startIndex !== start) throw unreadable('nvd', address, `asked for item ${start}, got item ${startIndex}`);
  if (vulnerabilities.length === 0 && start < totalResults)
    throw truncated(address, `says it has ${totalResults} items and gives none after ${start}`);
  if (everything && totalResults === 0) throw truncated(address, 'says it has no CVE of the kernel at all');
  // What leaves the window while it is read moves every later item up: one would be skipped at each page's end.
  if (total !== null && totalResults < total)
    throw truncated(address, `said it has ${total} items and, while they were read, ${totalResults}`);
}

function truncated(address: string, what: string): FeedError {
  return new FeedError('signal-truncated', 'untrusted', {
    what: `nvd: ${what}`,
    where: address,
    remedy: 'what was read before is kept; try again later',
  });
}

function readItem(item: unknown, signals: Signal[], bad: BadRows): void {
  const parsed = itemSchema.safeParse(item);
  const modified = parsed.success ? instant(parsed.data.cve.lastModified) : null;
  if (!parsed.success || modified === null || !isCveId(parsed.data.cve.id)) {
    bad.add(nameOf(item), 'not an item of the CVE API 2.0');
    return;
  }
  const { cve } = parsed.data;
  if (!isCveId(cve.id) || cve.sourceIdentifier !== KERNEL_CNA) {
    bad.add(cve.id, 'not a CVE of the kernel CNA, which is what was asked for');
    return;
  }
  const metrics = [...(cve.metrics?.cvssMetricV31 ?? []), ...(cve.metrics?.cvssMetricV30 ?? [])];
  const { judgements, refused } = judgementsOf(
    metrics.map(({ source, cvssData }) => ({ vector: cvssData.vectorString, by: source })),
  );
  for (const vector of refused) bad.add(cve.id, `not a CVSS v3 vector: "${vector}"`);
  const weaknesses = weaknessesOf(
    (cve.weaknesses ?? []).flatMap(({ description }) => description.map(({ value }) => value)),
  );
  signals.push({
    cve: cve.id,
    at: modified.toISOString(),
    value: { source: 'nvd', status: cve.vulnStatus.slice(0, 60), judgements, weaknesses },
  });
}

function nameOf(item: unknown): string {
  const id = z.object({ cve: z.object({ id: z.string() }) }).safeParse(item);
  return id.success ? id.data.cve.id : 'an item without an id';
}
