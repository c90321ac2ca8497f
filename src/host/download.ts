import { type FileHandle, open, rm } from 'node:fs/promises';
import { errno, fromErrno, HostError, HttpStatusError } from './error.ts';

export interface DownloadLimits {
  /** Milliseconds of the whole exchange. */
  readonly timeoutMs: number;
  /** Milliseconds without a byte. */
  readonly idleMs: number;
}

const LIMITS: DownloadLimits = { timeoutMs: 900_000, idleMs: 30_000 };

/**
 * GETs exactly `length` bytes into the file `part` and gives them back. What is in `part` already is not asked for again
 * (RFC 9110, section 14: Range); a server that does not know ranges sends all of it anew. The caller verifies the content
 * and removes the file: bytes that a server lied about cost one more try, for then the file is emptied here.
 * Errors: http-failed, http-too-large, timed-out, disk-full.
 */
export async function download(url: string, part: string, length: number, limits = LIMITS): Promise<Buffer> {
  const handle = await open(part, 'a+', 0o600).catch((error: unknown) => {
    throw fromErrno(error, part, 'write the file');
  });
  try {
    const { size } = await handle.stat();
    // Complete and yet not what was wanted, or it would be gone: begin anew.
    const from = size < length ? size : 0;
    if (from === 0) await handle.truncate(0);
    await exchange(url, handle, { from, length }, limits);
    await handle.sync();
    const content = Buffer.alloc(length);
    const { bytesRead } = await handle.read(content, 0, length, 0);
    if (bytesRead < length) throw failed(url, 'the server ended its answer early');
    return content;
  } catch (error) {
    if (error instanceof HostError && error.code === 'http-too-large') await rm(part, { force: true });
    throw errno(error) === 'ENOSPC' || errno(error) === 'EDQUOT' ? fromErrno(error, part, 'write the file') : error;
  } finally {
    await handle.close();
  }
}

async function exchange(
  url: string,
  to: FileHandle,
  { from, length }: { from: number; length: number },
  { timeoutMs, idleMs }: DownloadLimits,
): Promise<void> {
  const stop = new AbortController();
  const late =
    (what: string): (() => void) =>
    () =>
      stop.abort(new HostError('timed-out', 'network', { what, where: url }));
  const whole = setTimeout(late(`no complete answer within ${timeoutMs} ms`), timeoutMs);
  let idle = setTimeout(late(`no byte within ${idleMs} ms`), idleMs);
  try {
    const headers: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
    const response = await fetch(url, { redirect: 'manual', signal: stop.signal, headers });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new HttpStatusError(url, response.status, response.headers.get('retry-after'));
    }
    let at = from;
    if (response.status !== 206 && from > 0) {
      await to.truncate(0);
      at = 0;
    }
    for await (const chunk of response.body) {
      clearTimeout(idle);
      idle = setTimeout(late(`no byte within ${idleMs} ms`), idleMs);
      at += (chunk as Uint8Array).length;
      if (at > length)
        throw new HostError('http-too-large', 'untrusted', {
          what: `the answer is longer than ${length} bytes`,
          where: url,
        });
      await to.appendFile(chunk as Uint8Array);
    }
  } catch (error) {
    if (error instanceof HostError) throw error;
    if (stop.signal.reason instanceof HostError) throw stop.signal.reason;
    if (['ENOSPC', 'EDQUOT', 'EIO', 'EROFS'].includes(errno(error) ?? '')) throw error;
    throw failed(url, 'the server could not be reached, or ended its answer early', error);
  } finally {
    clearTimeout(whole);
    clearTimeout(idle);
  }
}

function failed(where: string, what: string, cause?: unknown): HostError {
  return new HostError('http-failed', 'network', { what, where, cause });
}
