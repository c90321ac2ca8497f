import { constants } from 'node:fs';
import { type FileHandle, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errno, HostError, ProgramError, run, sha256 } from '#host';
import { AgentError } from '../error.ts';

const INSMOD_TIMEOUT_MS = 60_000;
/** What insmod is given: a descriptor of ours, never a name. */
const DESCRIPTOR = '/proc/self/fd/3';
/** __O_TMPFILE of asm-generic/fcntl.h, with O_DIRECTORY of this architecture (open(2)). */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/**
 * Loads the very bytes that were verified: they go into a file that has no name, are hashed again through a descriptor that
 * can only read, and insmod gets that descriptor, which it hands to finit_module(2). Nobody can put another file in its
 * place between the check and the load; while anybody has it open for writing the kernel does not read it (ETXTBSY).
 * Errors: load-failed.
 */
export async function loadBytes(module: Buffer, work: string): Promise<void> {
  const handle = await nameless(module, work);
  try {
    const held = await handle.readFile();
    if (sha256(held) !== sha256(module))
      throw new AgentError('load-failed', 'untrusted', {
        what: 'the module changed while it was written',
        where: work,
        remedy: 'nothing was loaded; see who else writes into this folder',
      });
    await run('insmod', [DESCRIPTOR], { timeoutMs: INSMOD_TIMEOUT_MS, descriptors: [handle.fd] });
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    const said = error instanceof ProgramError ? error.stderr.trim().split('\n').at(-1) : '';
    throw new AgentError('load-failed', 'patch', {
      what: `the kernel refused the module: ${said || error.message}`,
      remedy: 'see the kernel log of this host',
      cause: error,
    });
  } finally {
    await handle.close();
  }
}

/** A read-only descriptor of a file that never had a name. */
async function nameless(module: Buffer, work: string): Promise<FileHandle> {
  let writer: FileHandle;
  try {
    writer = await open(work, O_TMPFILE | constants.O_RDWR | constants.O_EXCL, 0o400);
  } catch (error) {
    if (!['EOPNOTSUPP', 'EISDIR', 'EINVAL'].includes(errno(error) ?? '')) throw error;
    return unlinked(module, work);
  }
  try {
    await writer.writeFile(module);
    return await open(`/proc/self/fd/${writer.fd}`, constants.O_RDONLY);
  } finally {
    await writer.close();
  }
}

/** The same where the file system has no files without a name: it has one for a moment, in a folder that is only root's. */
export async function unlinked(module: Buffer, work: string): Promise<FileHandle> {
  const path = join(work, `load-${process.pid}.ko`);
  await rm(path, { force: true });
  await writeFile(path, module, { mode: 0o400, flag: 'wx' });
  const handle = await open(path, constants.O_RDONLY);
  await rm(path, { force: true });
  return handle;
}
