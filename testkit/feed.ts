import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildSampleFeed, type SampleCve } from '#feed';
import { Git, run, systemClock } from '#host';
import { syncFeed } from '#pipeline';
import type { Store } from '#store';
import { scratch } from './scratch.ts';

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

/** A CVE of ours, `CVE-2026-<number>`. */
export function cve(number: number, part: Partial<SampleCve> = {}): SampleCve {
  return {
    id: `CVE-2026-${number}`,
    state: 'published',
    title: `sample ${number}`,
    description: 'A sample was freed.',
    files: ['net/core/sample.c'],
    dyad: [`5.4:${COMMIT}:6.1.171:${COMMIT}`],
    cvss: null,
    ...part,
  };
}

export interface Feed {
  readonly data: string;
  readonly lore: string;
  readonly vulns: string;
}

/** A feed of our own as real git repositories, and a data directory that mirrors it. */
export async function feedOf(cves: readonly SampleCve[]): Promise<Feed> {
  const home = await scratch();
  const data = join(home, 'data');
  await mkdir(data);
  return { data, ...(await buildSampleFeed(home, cves)) };
}

export function sync(store: Store, { data, lore, vulns }: Feed): ReturnType<typeof syncFeed> {
  return syncFeed({ store, dataDirectory: data, lore, vulns, clock: systemClock });
}

/** Adds a commit with one file, the only one of its tree if `alone`, to a bare repository (git-fast-import(1)). */
export async function addCommit(
  repository: string,
  file: string,
  content: string | Buffer,
  { onto = true, alone = false } = {},
): Promise<void> {
  const bytes = Buffer.from(content);
  const head = `commit refs/heads/master\ncommitter T <t@example.org> 1790000000 +0000\ndata 1\nx\n${onto ? 'from refs/heads/master^0\n' : ''}${alone ? 'deleteall\n' : ''}M 100644 inline ${file}\ndata ${bytes.length}\n`;
  await run('git', ['-C', repository, 'fast-import', '--quiet', '--force'], {
    env: Git.environment(),
    input: Buffer.concat([Buffer.from(head), bytes, Buffer.from('\n')]),
  });
}
