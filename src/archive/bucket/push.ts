import { join } from 'node:path';
import { readLimited } from '#host';
import { filesInUse, GRACE_HOURS } from '../collect.ts';
import { ArchiveError } from '../error.ts';
import { type ArchivePlace, locked } from '../place.ts';
import { readState } from '../state.ts';
import { currentFiles } from '../transfer/carry.ts';
import type { S3Bucket } from './s3.ts';

const MAX_FILE_BYTES = 256 << 20;
const MAX_TIMESTAMP_BYTES = 64 << 10;
const HOUR_MS = 3_600_000;
const TIMESTAMP = 'metadata/timestamp.json';
/** Files whose content changes under its name; of all others the name has a version or a hash. */
const CHANGING = new Set([TIMESTAMP, 'root.json']);
const OURS = /^(?:metadata|targets)\//;

export interface Pushed {
  readonly sent: number;
  readonly bytes: number;
  readonly removed: number;
}

/**
 * Brings a bucket to what the archive here is: what others name goes first, the timestamp last, so that hosts see the old archive or the
 * new one. What is there already is not sent again. Never goes back: where the bucket has a newer timestamp, nothing is sent. With `prune`
 * what no host can ask for any more is deleted afterwards. Errors: store-failed; archive-broken.
 */
export async function pushArchive(
  place: Pick<ArchivePlace, 'directory' | 'clock'>,
  bucket: S3Bucket,
  { prune = false }: { readonly prune?: boolean } = {},
): Promise<Pushed> {
  const { directory, clock } = place;
  return locked(place, async () => {
    const state = await readState(directory);
    const etag = await requireNotNewer(bucket, state.timestamp.signed.version);
    const there = await bucket.list();
    let [sent, bytes] = [0, 0];
    const put = async (name: string, only?: string | null): Promise<boolean> => {
      const content = await readLimited(join(directory, name), MAX_FILE_BYTES);
      const done = await bucket.put(name, content, headersOf(name), only);
      sent += 1;
      bytes += content.length;
      return done;
    };
    for (const name of await currentFiles(state)) {
      if (name === TIMESTAMP || there.has(name)) continue;
      // Two that write at once write the same under this name; so it does not matter who was first.
      await put(name);
    }
    await put('root.json');
    if (!(await put(TIMESTAMP, etag))) throw overtaken(directory);
    const removed = prune ? await pruneBucket(bucket, there, directory, clock.now()) : 0;
    return { sent, bytes, removed };
  });
}

/** The ETag of the timestamp in the bucket; null: there is none. Errors: store-failed. */
async function requireNotNewer(bucket: S3Bucket, ours: number): Promise<string | null> {
  const found = await bucket.get(TIMESTAMP, MAX_TIMESTAMP_BYTES);
  if (found === undefined) return null;
  const { signed } = parse(found.content) as { signed?: { version?: unknown } };
  if (typeof signed?.version === 'number' && signed.version > ours)
    throw new ArchiveError('store-failed', 'input', {
      what: `the bucket has timestamp ${signed.version}, and the archive here ${ours}: it would go back; nothing was sent`,
      remedy: 'another machine pushes there, or the archive here is a restored copy: push from the newest',
    });
  return found.etag;
}

function parse(content: Buffer): object {
  try {
    const value: unknown = JSON.parse(content.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    // Damaged: what is right takes its place.
    return {};
  }
}

function overtaken(where: string): ArchiveError {
  return new ArchiveError('store-failed', 'input', {
    what: 'somebody else pushed at the same time; the timestamp in the bucket is theirs',
    where,
    remedy: 'push from one machine; run the command again',
  });
}

function headersOf(name: string): Record<string, string> {
  const isChanging = CHANGING.has(name);
  return {
    'content-type': name.endsWith('.json') ? 'application/json' : 'application/octet-stream',
    'cache-control': isChanging ? 'no-cache' : 'public, max-age=31536000, immutable',
  };
}

/** As `collectGarbage`, by the times of the store. */
async function pruneBucket(
  bucket: S3Bucket,
  there: Awaited<ReturnType<S3Bucket['list']>>,
  directory: string,
  now: Date,
): Promise<number> {
  const before = now.getTime() - GRACE_HOURS * HOUR_MS;
  const needed = await filesInUse(directory, before);
  let removed = 0;
  for (const [name, { modified }] of there) {
    if (needed.has(name) || !OURS.test(name) || modified.getTime() > before) continue;
    await bucket.remove(name);
    removed += 1;
  }
  return removed;
}
