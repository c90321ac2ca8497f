import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '#host';
import { readProfile, treeLayout } from '#kernel';
import { parseDiff } from '#patch';
import { shared } from '../../../testkit/shared.ts';
import { once } from './cache.ts';

/** The two feeds of ../shared, unpacked into the cache (a bare repository does not survive inside another). */
export async function sharedFeeds(cache: string): Promise<{ lore: string; vulns: string } | undefined> {
  const from = shared;
  if (from === undefined) return undefined;
  const feeds = await once(join(cache, 'feeds'), async (target) => {
    for (const name of ['linux-cve-announce.git.tar', 'vulns.git.tar'])
      await run('tar', ['xf', join(from, 'feeds', name), '-C', target]);
  });
  return { lore: feeds, vulns: join(feeds, 'vulns.git') };
}

/** The folder of real fixes, `<commit>.patch` each. */
export function sharedFixes(): string | undefined {
  return shared === undefined ? undefined : join(shared, 'fixes/6.1.170');
}

export async function patchesOf(folder: string): Promise<{ path: string; text: string }[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.patch')).sort();
  return Promise.all(names.map(async (name) => ({ path: name, text: await readFile(join(folder, name), 'utf8') })));
}

/** Those of the fixes that change a file which is compiled into this kernel. */
export async function compiledFixes(
  kernel: { treeDirectory: string },
  folder: string,
): Promise<{ path: string; text: string }[]> {
  const { files } = await readProfile(treeLayout(kernel.treeDirectory).build);
  const fixes = await patchesOf(folder);
  return fixes.filter(({ path, text }) => parseDiff(text, path).some((file) => files.has(file.path)));
}
