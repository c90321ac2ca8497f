import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exists, Git, makeFolders, sha256, withLock } from '#host';
import { KernelError } from '../error.ts';
import { unpackSource } from './unpack.ts';

const LOCK_WAIT_MS = 60 * 60_000;

/** Undoes every attribute of the tree itself that would change or leave out a file on the way (gitattributes(5)). */
const ATTRIBUTES = '* -export-ignore -export-subst -text -eol -ident -filter -working-tree-encoding\n';

/**
 * Writes the files of one commit to `target`. The repository is mirrored once per address below `mirrors` and only fetched
 * after that; a full commit id that is there needs no network. Returns the commit.
 * Errors: git-failed (host), source-unreadable when there is no such ref, archive-unsafe.
 */
export async function checkoutCommit(
  { address, ref }: { readonly address: string; readonly ref: string },
  mirrors: string,
  target: string,
  signal?: AbortSignal,
): Promise<string> {
  const directory = join(mirrors, `${sha256(address).slice(0, 16)}.git`);
  return withLock(`${directory}.lock`, LOCK_WAIT_MS, async () => {
    const mirror = await freshMirror(address, ref, directory, signal);
    const commit = await resolveRef(mirror, ref);
    if (commit === undefined) {
      throw new KernelError('source-unreadable', 'input', {
        what: `the repository has no tag, branch or commit "${ref}"`,
        where: address,
        remedy: 'look at what there is with "git ls-remote"; nothing was added',
      });
    }
    await writeCommit(mirror, commit, target, signal);
    return commit;
  });
}

async function freshMirror(address: string, ref: string, directory: string, signal?: AbortSignal): Promise<Git> {
  const mirror = new Git(directory, signal);
  if (await exists(directory)) {
    const whole = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(ref);
    if (whole && (await mirror.hasCommit(ref))) return mirror;
    await mirror.clearLeftovers();
    await mirror.fetch(address);
    return mirror;
  }
  await makeFolders(dirname(directory));
  const part = `${directory}.part`;
  await rm(part, { recursive: true, force: true });
  try {
    const made = await Git.mirror(address, part, { signal });
    await makeFolders(join(made.directory, 'info'));
    await writeFile(join(made.directory, 'info/attributes'), ATTRIBUTES);
    await rename(part, directory);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return mirror;
}

/** A tag before a branch of the same name, as gitrevisions(7) has it; then a commit, whole or shortened. */
async function resolveRef(mirror: Git, ref: string): Promise<string | undefined> {
  const names = [`refs/tags/${ref}`, `refs/heads/${ref}`, ...(/^[0-9a-f]{7,64}$/.test(ref) ? [ref] : [])];
  for (const name of names) {
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`];
    const { exitCode, stdout } = await mirror.run(args, { okCodes: [0, 1, 128] });
    if (exitCode === 0) return stdout.trim();
  }
  return undefined;
}

async function writeCommit(mirror: Git, commit: string, target: string, signal?: AbortSignal): Promise<void> {
  await makeFolders(dirname(target));
  const folder = await mkdtemp(join(dirname(target), '.commit-'));
  try {
    const file = join(folder, 'source.tar');
    await mirror.run(['archive', '--format=tar', '--prefix=linux/', `--output=${file}`, commit]);
    await unpackSource(file, target, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
