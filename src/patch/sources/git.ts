import { createHash } from 'node:crypto';
import { MAX_PATCH_BYTES } from '#domain';
import type { Git } from '#host';
import type { Sides } from '../compose/options.ts';
import { PatchError } from '../error.ts';
import { isCommitName } from './mail.ts';
import type { FetchedFix, FixSource } from './source.ts';

const MAX_COMMIT_BYTES = 1 << 20;
const MAX_FILE_BYTES = 32 << 20;

/** A git repository on this machine, with a work tree or bare. */
export function gitSource(git: Git): FixSource {
  return {
    kind: 'git',
    address: git.directory,
    history: git,
    list: () => Promise.resolve([]),
    sides: (commit, path) => sidesFromGit(git, commit, path),
    changeOf: (commit) => fetchFromGit(git, commit),
  };
}

/** The change of a commit against its first parent; undefined: the repository does not have it. Errors: wrong-commit. */
export async function fetchFromGit(git: Git, commit: string): Promise<FetchedFix | undefined> {
  if (!isCommitName(commit)) return undefined;
  const full = await resolve(git, commit);
  if (full === undefined) return undefined;
  const date = await requireSame(git, full);
  const args = ['--patch', '--no-color', '--no-ext-diff', '--no-textconv', '--no-renames', '--no-commit-id', '-r'];
  const { stdout } = await git.run(['diff-tree', ...args, '--first-parent', full], { maxOutput: MAX_PATCH_BYTES });
  return { text: stdout, file: null, date };
}

/** A file in a commit and in its first parent. */
export async function sidesFromGit(git: Git, commit: string, path: string): Promise<Sides | null> {
  const full = isCommitName(commit) && !path.includes('\n') ? await resolve(git, commit) : undefined;
  if (full === undefined) return null;
  const found: (string | null)[] = [];
  for await (const { oid, content } of git.catFile([`${full}^:${path}`, `${full}:${path}`], MAX_FILE_BYTES)) {
    if (oid !== null && content === null) return null;
    found.push(content?.toString('latin1') ?? null);
  }
  return { before: found[0] ?? null, after: found[1] ?? null };
}

/** A branch may have a name that looks like a commit, and git takes the branch: what comes out must begin as was asked. */
async function resolve(git: Git, commit: string): Promise<string | undefined> {
  const asked = await git.run(['rev-parse', '--verify', '--quiet', `${commit}^{commit}`], { okCodes: [0, 1, 128] });
  const full = asked.stdout.trim();
  if (asked.exitCode === 0 && full.startsWith(commit)) return full;
  const said = asked.stderr.trim();
  // Of what is merely not there it says nothing.
  if (asked.exitCode !== 0 && said === '') return undefined;
  const wrong =
    asked.exitCode === 0 ? `is a name of commit ${full}` : `cannot be told (${JSON.stringify(said.slice(0, 160))})`;
  throw new PatchError('wrong-commit', 'untrusted', {
    what: `${commit} ${wrong} in this repository`,
    where: git.directory,
    remedy: 'remove the reference of that name, name the commit in full, or make a damaged mirror anew',
  });
}

/**
 * The name of a commit is the hash of its content (gitformat-object(5)); what the repository holds under it is hashed anew.
 * Returns the author date in milliseconds.
 */
async function requireSame(git: Git, commit: string): Promise<number | null> {
  for await (const { content } of git.catFile([commit], MAX_COMMIT_BYTES)) {
    const hash = createHash(commit.length === 40 ? 'sha1' : 'sha256');
    const found = hash
      .update(`commit ${content?.length ?? 0}\0`)
      .update(content ?? '')
      .digest('hex');
    if (found === commit) {
      const author = /^author .* (\d{1,12}) [+-]\d{4}$/m.exec(content?.toString('latin1') ?? '')?.[1];
      return author === undefined ? null : Number(author) * 1000;
    }
  }
  throw new PatchError('wrong-commit', 'untrusted', {
    what: `what the repository holds as commit ${commit} is something else`,
    where: git.directory,
    remedy: 'the repository is damaged or was tampered with: make the mirror anew',
  });
}
