import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, Git } from '#host';
import { FeedError } from '../error.ts';
import { commitTime } from '../vulns.ts';

const MAX_FILES = 1_000_000;

/** A file of a tree: its path and a name of its content, which is the same exactly when the content is. */
export interface TreeFile {
  readonly path: string;
  readonly oid: string;
}

/** Files of a git repository's head, or of a folder. */
export interface SourceTree {
  /** Date of the newest content; null where nothing says. */
  readonly newest: Date | null;
  list(wanted: (path: string) => boolean): Promise<TreeFile[]>;
  /** Contents in the order asked; null for a file that is gone or longer than `maxBytes`. */
  read(files: readonly TreeFile[], maxBytes: number): AsyncGenerator<Buffer | null>;
}

/** Opens a bare or plain git repository, or a folder of files. Errors: feed-unreachable. */
export async function openTree(path: string): Promise<SourceTree> {
  if (!(await exists(path)))
    throw new FeedError('feed-unreachable', 'input', {
      what: 'there is no such folder or repository',
      where: path,
      remedy: 'check the address; what was read before is kept',
    });
  const isGit = (await exists(join(path, 'HEAD'))) || (await exists(join(path, '.git')));
  return isGit ? gitTree(new Git(path)) : folderTree(path);
}

async function gitTree(git: Git): Promise<SourceTree> {
  const head = await git.head();
  return {
    newest: head === null ? null : await commitTime(git, head),
    async list(wanted) {
      if (head === null) return [];
      const { stdout } = await git.run(['ls-tree', '-r', '-z', '--full-tree', head]);
      return stdout.split('\0').flatMap((line) => {
        const match = /^\d+ blob ([0-9a-f]+)\t(.+)$/s.exec(line);
        return match && wanted(match[2]!) ? [{ oid: match[1]!, path: match[2]! }] : [];
      });
    },
    async *read(files, maxBytes) {
      const oids = files.map(({ oid }) => oid);
      for await (const { content } of git.catFile(oids, maxBytes)) yield content;
    },
  };
}

async function folderTree(root: string): Promise<SourceTree> {
  return {
    newest: null,
    async list(wanted) {
      const names = (await readdir(root, { recursive: true })).filter(wanted).toSorted();
      if (names.length > MAX_FILES) throw new TypeError(`more than ${MAX_FILES} files`);
      const files: TreeFile[] = [];
      for (const path of names) {
        const bytes = await readFile(join(root, path)).catch(() => null);
        if (bytes !== null) files.push({ path, oid: createHash('sha1').update(bytes).digest('hex') });
      }
      return files;
    },
    async *read(files, maxBytes) {
      for (const { path } of files) {
        const size = (await stat(join(root, path)).catch(() => undefined))?.size ?? Number.POSITIVE_INFINITY;
        yield size > maxBytes ? null : await readFile(join(root, path));
      }
    },
  };
}
