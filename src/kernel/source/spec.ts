import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { KernelError } from '../error.ts';

/** What `--source` says. */
export type SourceSpec =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'tarball' | 'dsc' | 'deb'; readonly path: string }
  | { readonly kind: 'git'; readonly address: string; readonly ref: string };

const TARBALL = /\.(?:tar|tar\.gz|tgz|tar\.xz|txz|tar\.zst|tar\.bz2)$/;
/** A tag, a branch or a commit (git-check-ref-format(1)), without the operators of gitrevisions(7). */
const REF = /^(?!.*(?:\.\.|\/\/|@\{|\.lock$|[./]$))[A-Za-z0-9_][A-Za-z0-9_./+@-]{0,199}$/;
const REMOTE = /^(?:https?|git|ssh|file):\/\/[^\s-]\S*$/;

/**
 * Reads `--source`: `git:ADDRESS#REF`, a directory, a tarball, a `.dsc` or a `.deb`.
 * Errors: source-unreadable, which says the forms there are.
 */
export async function parseSourceSpec(text: string): Promise<SourceSpec> {
  if (text.startsWith('git:')) return gitSpec(text.slice('git:'.length));
  const path = resolve(text);
  const info = await stat(path).catch((cause: unknown) => {
    throw unreadable('there is no such file or directory', path, cause);
  });
  if (info.isDirectory()) return { kind: 'directory', path };
  if (path.endsWith('.dsc')) return { kind: 'dsc', path };
  if (path.endsWith('.deb')) return { kind: 'deb', path };
  if (TARBALL.test(path)) return { kind: 'tarball', path };
  throw unreadable('this file is no kernel source', path);
}

function gitSpec(text: string): SourceSpec {
  const at = text.lastIndexOf('#');
  const [address, ref] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
  if (at < 0 || address === '' || address.startsWith('-')) throw unreadable('a git source is git:ADDRESS#REF', text);
  if (!REF.test(ref)) throw unreadable('this is no name of a tag, a branch or a commit', ref);
  if (REMOTE.test(address)) return { kind: 'git', address, ref };
  if (/^[\w+.-]+::/.test(address) || /^[\w+.-]+:\/\//.test(address))
    throw unreadable('git addresses are https, http, git, ssh, file, or a path', address);
  // `host:path` is git's short form of ssh; what holds no colon before the first slash is a path here.
  return { kind: 'git', address: /^[\w.@-]+:(?!\/\/)/.test(address) ? address : resolve(address), ref };
}

function unreadable(what: string, where: string, cause?: unknown): KernelError {
  return new KernelError('source-unreadable', 'input', {
    what,
    where: where.slice(0, 300),
    remedy:
      'give a directory, a tarball (.tar, .tar.gz, .tar.xz, .tar.zst), git:ADDRESS#REF, a .dsc or a linux-source .deb',
    cause,
  });
}
