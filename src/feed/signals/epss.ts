import { gunzipSync } from 'node:zlib';
import { isCveId, type Signal } from '#domain';
import { FeedError } from '../error.ts';
import {
  BadRows,
  type IsOurs,
  instant,
  readSource,
  type SignalDoor,
  type SignalReading,
  unreadable,
} from './reading.ts';

const MAX_BYTES = 64 << 20;
const MAX_CSV_BYTES = 256 << 20;
const HEAD = /^#model_version:([\w.+-]+),score_date:(\S+)$/;
const COLUMNS = 'cve,epss,percentile';

/**
 * Reads the daily CSV of EPSS, gzipped or not: a comment with model and date, the column names, a line per CVE
 * (first.org/epss/data_stats). Errors: signal-unreadable, signal-truncated.
 */
export async function readEpss(door: SignalDoor, address: string, isOurs: IsOurs): Promise<SignalReading> {
  return parseEpss(await readSource(door, address, MAX_BYTES), address, isOurs);
}

export function parseEpss(bytes: Buffer, address: string, isOurs: IsOurs): SignalReading {
  const text = unpack(bytes, address);
  const [head = '', columns = ''] = text.slice(0, 500).split(/\r?\n/);
  const [, model, date] = HEAD.exec(head) ?? [];
  const newest = instant(date);
  if (model === undefined || newest === null || columns !== COLUMNS)
    throw unreadable('epss', address, `this is not an EPSS file: it starts with "${head.slice(0, 60)}"`);
  if (!text.endsWith('\n')) throw truncated(address, 'the last line has no end');
  const signals: Signal[] = [];
  const bad = new BadRows('epss', address);
  for (const line of linesOf(text, head.length + columns.length)) {
    const comma = line.indexOf(',');
    const cve = line.slice(0, comma);
    if (!isCveId(cve)) {
      if (line !== '') bad.add(line.slice(0, 60), 'not a line of CVE, probability and percentile');
    } else if (isOurs(cve)) {
      const [probability, percentile, ...rest] = line
        .slice(comma + 1)
        .split(',')
        .map(share);
      if (probability === undefined || percentile === undefined || rest.length > 0 || !(probability + percentile >= 0))
        bad.add(cve, `"${line.slice(0, 100)}" holds no two shares between 0 and 1`);
      else signals.push({ cve, at: newest.toISOString(), value: { source: 'epss', probability, percentile, model } });
    }
  }
  return { signals, bad: bad.rows, whole: true, newest, cursor: null };
}

function share(text: string): number {
  const value = /^[0-9.e-]+$/i.test(text) ? Number(text) : Number.NaN;
  return value >= 0 && value <= 1 ? value : Number.NaN;
}

/** Lines after the two of the head, one at a time: the file has some 300,000. */
function* linesOf(text: string, from: number): Generator<string> {
  let start = text.indexOf(COLUMNS, Math.max(0, from - COLUMNS.length)) + COLUMNS.length;
  while (start < text.length) {
    const end = text.indexOf('\n', start);
    const line = text.slice(start, end === -1 ? text.length : end);
    yield line.endsWith('\r') ? line.slice(0, -1) : line;
    if (end === -1) return;
    start = end + 1;
  }
}

function unpack(bytes: Buffer, address: string): string {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.toString('utf8');
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_CSV_BYTES }).toString('utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'Z_BUF_ERROR') throw truncated(address, 'the compressed file ends early', error);
    throw unreadable('epss', address, 'the compressed file is damaged, or too long', error);
  }
}

function truncated(address: string, what: string, cause?: unknown): FeedError {
  return new FeedError('signal-truncated', 'untrusted', {
    what: `epss: ${what}`,
    where: address,
    remedy: 'what was read before is kept; try again later',
    cause,
  });
}
