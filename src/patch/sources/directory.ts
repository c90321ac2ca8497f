import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_PATCH_BYTES } from '#domain';
import { readLimited } from '#host';
import { PatchError } from '../error.ts';
import { dateOfMail, isCommitName, requireCommit } from './mail.ts';
import type { FixSource } from './source.ts';

/** A folder of `<commit>.patch` files. A file with a mail's head must be the commit that its name says. */
export function directorySource(folder: string): FixSource {
  let listing: Promise<readonly string[]> | undefined;
  const names = (): Promise<readonly string[]> =>
    (listing ??= readdir(folder).then((all) => all.filter((name) => /^[0-9a-f]{7,64}\.patch$/.test(name)).toSorted()));
  return {
    kind: 'directory',
    address: folder,
    history: null,
    sides: () => Promise.resolve(null),
    list: async () => (await names()).map((name) => name.slice(0, -'.patch'.length)),
    async changeOf(commit) {
      if (!isCommitName(commit)) return undefined;
      const [name, ...more] = (await names()).filter((entry) => entry.startsWith(commit));
      if (name === undefined) return undefined;
      if (more.length > 0)
        throw new PatchError('wrong-commit', 'input', {
          what: `${commit} stands for ${more.length + 1} commits: ${[name, ...more].slice(0, 4).join(', ')}`,
          where: folder,
          remedy: 'name the files by the whole commit, and remove the one that is not meant',
        });
      const file = join(folder, name);
      const text = (await readLimited(file, MAX_PATCH_BYTES)).toString('utf8');
      requireCommit(text, commit, file, false);
      return { text, file, date: dateOfMail(text) };
    },
  };
}
