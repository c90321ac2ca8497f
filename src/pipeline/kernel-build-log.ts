import { open } from 'node:fs/promises';
import { isEnded } from '#domain';
import { errno } from '#host';
import { KernelError } from '#kernel';
import { type Db, type KernelBuildRow, needBuild } from '#store';

const POLL_MS = 400;
const CHUNK = 256 << 10;

export interface LogOptions {
  readonly db: Db;
  /** Id of a build, or a kernel: its newest. */
  readonly key: string;
  /** Go on until the build has ended. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
  readonly write: (text: string) => void;
}

/**
 * Gives the log of the newest attempt of a build, and follows it through later attempts. Returns the build as it was at
 * the end. Errors: not-found; file-missing, when the log is on another machine or was removed.
 */
export async function readBuildLog(options: LogOptions): Promise<KernelBuildRow> {
  const { id } = await needBuild(options.db, options.key);
  let path: string | null = null;
  let offset = 0;
  for (;;) {
    // First the row, then the file: what was written before the build ended is read after.
    const build = await needBuild(options.db, id);
    if (build.log !== path) {
      if (path !== null && build.log !== null) options.write(`\n--- attempt ${build.attempt} ---\n`);
      [path, offset] = [build.log, 0];
    }
    const over = !options.follow || isEnded(build.state);
    if (path !== null) offset = await copyFrom(path, offset, over, options.write);
    if (over || options.signal.aborted) return build;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Writes what a file has from `offset` on; returns where it ended. */
async function copyFrom(path: string, offset: number, needed: boolean, write: (text: string) => void): Promise<number> {
  const file = await open(path).catch((error: unknown) => {
    if (errno(error) !== 'ENOENT') throw error;
    // It is opened a moment after the attempt is known.
    if (!needed) return undefined;
    throw new KernelError('tree-missing', 'input', {
      what: 'the log of this build is not here',
      where: path,
      remedy: 'look on the machine that built it; logs go with the tree of their kernel',
    });
  });
  if (file === undefined) return offset;
  try {
    // One decoder a pass: a character cut at the end of a pass is read again whole.
    let at = offset;
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK), 0, CHUNK, at);
      const whole = needed ? bytesRead : lastWhole(buffer.subarray(0, bytesRead));
      if (whole === 0) return at;
      write(buffer.toString('utf8', 0, whole));
      at += whole;
    }
  } finally {
    await file.close();
  }
}

/** Length up to and with the last end of line: a line that is still being written waits. */
function lastWhole(bytes: Buffer): number {
  const end = bytes.lastIndexOf(10);
  return end === -1 && bytes.length === CHUNK ? bytes.length : end + 1;
}
