import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { errno } from '#host';
import { AgentError } from '../error.ts';

/** A record has at most 8 KiB with its keys (CONSOLE_EXT_LOG_MAX, PRINTK_MESSAGE_MAX of kernel/printk); a smaller buffer is refused. */
const RECORD_BYTES = 16 << 10;
/** A log that grows faster than it is read is read so far and no further. */
const RECORDS_MAX = 1 << 20;

/**
 * Every record of the kernel's log, as /dev/kmsg gives them: one a read, with facility and time
 * (Documentation/ABI/testing/dev-kmsg). It is the one form in which the kernel itself says who wrote a record: facility 0
 * cannot be written by a program. Records that are overwritten meanwhile are passed over.
 * Errors: kernel-log-unreadable.
 */
export async function readKmsg(path: string, take: (record: Uint8Array) => void): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const buffer = new Uint8Array(RECORD_BYTES);
    for (let i = 0; i < RECORDS_MAX; i += 1) {
      const length = await next(handle, buffer);
      if (length === 0) return;
      if (length !== undefined) take(buffer.subarray(0, length));
    }
  } catch (error) {
    throw new AgentError('kernel-log-unreadable', 'input', {
      what: `the kernel log cannot be read: ${errno(error) ?? 'unknown'}`,
      where: path,
      remedy: 'the agent judges a livepatch by this log and loads none without it; run it as root on the host itself',
      cause: error,
    });
  } finally {
    await handle?.close();
  }
}

/** Bytes of the next record; 0: there is none yet; undefined: it was overwritten before it was read. */
async function next(handle: FileHandle, buffer: Uint8Array): Promise<number | undefined> {
  try {
    return (await handle.read(buffer, 0, buffer.length, null)).bytesRead;
  } catch (error) {
    if (errno(error) === 'EAGAIN') return 0;
    if (errno(error) === 'EPIPE') return undefined;
    throw error;
  }
}
