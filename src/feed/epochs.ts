import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { StageError } from '#domain';
import { exists, fetchBytes, Git, HttpStatusError } from '#host';
import { FeedError, unreachable } from './error.ts';

const MAX_EPOCHS = 64;
const MANIFEST_TIMEOUT_MS = 30_000;
const MAX_MANIFEST_BYTES = 1 << 20;

/** One epoch of a public-inbox v2 archive: a bare git repository with one mail a commit (public-inbox-v2-format(5)). */
export interface Epoch {
  readonly number: number;
  readonly address: string;
}

/**
 * Finds the epochs of an archive. A path is an inbox, a folder of epochs or one bare epoch; a URL is asked for its
 * manifest, else epoch by epoch. `known`: epochs that were mirrored before; one that is gone is never taken for the end.
 * Errors: feed-unreachable, feed-not-an-archive, feed-epoch-gone.
 */
export async function findEpochs(
  address: string,
  known: readonly number[] = [],
  signal?: AbortSignal,
): Promise<Epoch[]> {
  if (!address.includes('://')) return listEpochs(address);
  const url = address.replace(/\/+$/, '');
  const numbers = (await manifestEpochs(url, signal)) ?? (await probeEpochs(url, signal));
  const gone = known.filter((number) => !numbers.includes(number));
  if (gone.length > 0)
    throw new FeedError('feed-epoch-gone', 'untrusted', {
      what: `the archive had epoch ${gone.join(', ')} before and does not show it now; nothing was read`,
      where: url,
      remedy: 'try again later; if the archive was really replaced, remove mirrors/lore from the data directory',
    });
  return numbers.map((number) => ({ number, address: `${url}/${number}` }));
}

/** Epochs by `manifest.js.gz` (public-inbox-clone(1), grok manifest); null where the server has none that can be read. */
async function manifestEpochs(url: string, signal?: AbortSignal): Promise<number[] | null> {
  if (!/^https?:/.test(url)) return null;
  try {
    const file = `${url}/manifest.js.gz`;
    const bytes = await fetchBytes(file, {
      timeoutMs: MANIFEST_TIMEOUT_MS,
      maxBytes: MAX_MANIFEST_BYTES,
      ...(signal && { signal }),
    });
    const manifest: unknown = JSON.parse(gunzipSync(bytes, { maxOutputLength: MAX_MANIFEST_BYTES }).toString());
    const numbers = Object.keys(manifest ?? {}).flatMap((path) => /\/(\d{1,3})\.git$/.exec(path)?.[1] ?? []);
    const found = [...new Set(numbers.map(Number))].toSorted((a, b) => a - b);
    return found.length > 0 && found.length <= MAX_EPOCHS ? found : null;
  } catch (error) {
    signal?.throwIfAborted();
    const answered = error instanceof HttpStatusError || !(error instanceof StageError);
    if (answered || error.code === 'http-too-large') return null;
    throw unreachable(url, error);
  }
}

/** What git says where there is no such repository: by http, by ssh and by path, by git's own protocol (git 2.39). */
const NO_REPOSITORY = /not found|does not appear to be a git repository|repository not exported/i;

/** Asks for epoch after epoch. Only a server that says there is no such repository ends the list. */
async function probeEpochs(url: string, signal?: AbortSignal): Promise<number[]> {
  const numbers: number[] = [];
  for (let number = 0; number < MAX_EPOCHS; number += 1) {
    try {
      await Git.lsRemote(`${url}/${number}`, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const ended = error instanceof StageError && error.fault !== 'network' && NO_REPOSITORY.test(error.message);
      if (number > 0 && ended) return numbers;
      throw unreachable(url, error);
    }
    numbers.push(number);
  }
  return numbers;
}

async function listEpochs(path: string): Promise<Epoch[]> {
  if ((await exists(join(path, 'objects'))) && (await exists(join(path, 'HEAD')))) {
    return [{ number: Number(/(\d+)(?:\.git)?\/?$/.exec(path)?.[1] ?? 0), address: path }];
  }
  const folder = (await exists(join(path, 'git'))) ? join(path, 'git') : path;
  const epochs = await epochFiles(folder);
  if (epochs.length === 0) {
    throw new FeedError('feed-not-an-archive', 'input', {
      what: 'there is no public-inbox v2 archive here',
      where: path,
      remedy: 'give an inbox, a folder with 0.git in it, or one bare epoch',
    });
  }
  return epochs;
}

/** Numbers of the bare epochs in a folder, in order; none when there is no such folder. */
export async function epochsIn(folder: string): Promise<number[]> {
  return (await epochFiles(folder)).map(({ number }) => number);
}

/** Bare epochs, or bundles of them, in a folder. */
async function epochFiles(folder: string): Promise<Epoch[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^\d+\.(?:git|bundle)$/.test(name));
  const epochs = names.map((name) => ({ number: Number.parseInt(name, 10), address: join(folder, name) }));
  return epochs.toSorted((a, b) => a.number - b.number);
}
