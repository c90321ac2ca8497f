import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

/** A folder that is removed after the test, or the file, that asks for it. */
export async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tuxtape-test-'));
  after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
