import { open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HostError, ProgramError, run, sha256 } from '#host';
import { AgentError } from '../error.ts';

const INSMOD_TIMEOUT_MS = 60_000;
/** What insmod is given: a descriptor of ours, never a name. */
const DESCRIPTOR = '/proc/self/fd/3';

/**
 * Loads the very bytes that were verified: they go into a file that is opened read-only and unlinked, hashed again through
 * that descriptor, and insmod gets the descriptor, which it hands to finit_module(2). Nobody can put another file in its
 * place between the check and the load, and while somebody could still write to it the kernel does not read it
 * (ETXTBSY). Errors: load-failed.
 */
export async function loadBytes(module: Buffer, work: string): Promise<void> {
  const path = join(work, `load-${process.pid}.ko`);
  await rm(path, { force: true });
  await writeFile(path, module, { mode: 0o400, flag: 'wx' });
  const handle = await open(path, 'r');
  try {
    await rm(path, { force: true });
    const held = await handle.readFile();
    if (sha256(held) !== sha256(module))
      throw new AgentError('load-failed', 'untrusted', {
        what: 'the module changed while it was written',
        where: path,
      });
    await run('insmod', [DESCRIPTOR], { timeoutMs: INSMOD_TIMEOUT_MS, descriptors: [handle.fd] });
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    const said = error instanceof ProgramError ? error.stderr.trim().split('\n').at(-1) : error.message;
    throw new AgentError('load-failed', 'patch', {
      what: `the kernel refused the module: ${said === undefined || said === '' ? error.message : said}`,
      remedy: 'see the kernel log of this host',
      cause: error,
    });
  } finally {
    await handle.close();
  }
}
