import { run } from './process.ts';

const TIMEOUT_MS = 30 * 60_000;

/** Copies a folder with everything in it, sharing blocks where the file system can. Ends when this process does. */
export async function copyFolder(from: string, to: string, signal?: AbortSignal): Promise<void> {
  await run('cp', ['-a', '--reflink=auto', from, to], {
    timeoutMs: TIMEOUT_MS,
    diesWithUs: true,
    ...(signal && { signal }),
  });
}
