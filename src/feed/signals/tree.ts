import { createHash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, Git } from '#host';
import { FeedError, unreachable } from '../error.ts';
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
  /** Contents in the order asked; null for what is gone, too long, or no file that can be read. */
  read(files: readonly TreeFile[]): AsyncGenerator<Buffer | null>;
}

/** Opens a bare or plain git repository, or a folder of files, of at most `maxBytes` each. Errors: feed-unreachable. */
export async function openTree(path: string, maxBytes: number): Promise<SourceTree> {
  if (!(await exists(path)))
    throw new FeedError('feed-unreachable', 'input', {
      what: 'there is no such folder or repository',
      where: path,
      remedy: 'check the address; what was read before is kept',
    });
  const isGit = (await exists(join(path, 'HEAD'))) || (await exists(join(path, '.git')));
  return isGit ? gitTree(new Git(path), maxBytes) : folderTree(path, maxBytes);
}

async function gitTree(git: Git, maxBytes: number): Promise<SourceTree> {
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
    async *read(files) {
      const oids = files.map(({ oid }) => oid);
      for await (const { content } of git.catFile(oids, maxBytes)) yield content;
    },
  };
}

function folderTree(root: string, maxBytes: number): SourceTree {
  return {
    newest: null,
    async list(wanted) {
      const names = (await namesBelow(root)).filter(wanted).toSorted();
      if (names.length > MAX_FILES) throw unreachable(root, new RangeError(`more than ${MAX_FILES} files`));
      const files: TreeFile[] = [];
      for (const path of names) {
        const bytes = await readRegular(join(root, path), maxBytes);
        // Listed all the same: whoever reads it learns that it cannot be read, each time anew.
        files.push({ path, oid: bytes === null ? '' : createHash('sha1').update(bytes).digest('hex') });
      }
      return files;
    },
    async *read(files) {
      for (const { path } of files) yield await readRegular(join(root, path), maxBytes);
    },
  };
}

async function namesBelow(root: string): Promise<string[]> {
  try {
    return await readdir(root, { recursive: true });
  } catch (error) {
    throw unreachable(root, error);
  }
}

/** A pipe or a device would never end, so only regular files are opened; null for anything else, and what is too long. */
async function readRegular(path: string, maxBytes: number): Promise<Buffer | null> {
  try {
    const found = await lstat(path);
    return found.isFile() && found.size <= maxBytes ? await readFile(path) : null;
  } catch {
    return null;
  }
}
