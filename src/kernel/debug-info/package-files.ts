import { opendir, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { errno } from '#host';
import { KernelError } from '../error.ts';
import { MAX_FOLDER_ENTRIES, unreadable } from './limits.ts';

/** vmlinux, vmlinux-6.1.0-50-amd64, vmlinux.debug: what Debian, Fedora and a build call it. */
const VMLINUX = /^vmlinux(?:-[\w.+~-]+)?(?:\.debug)?$/;
const MODULE = /^([\w+-]+)\.ko(\.debug)?(?:\.(?:xz|zst|gz))?$/;

export interface ModuleFile {
  /** As `lsmod` says it: with `_` for `-`. */
  readonly name: string;
  readonly path: string;
}

export interface PackageFiles {
  readonly vmlinux: string;
  readonly modules: readonly ModuleFile[];
}

/**
 * The files of an unpacked debug package: one vmlinux, and of each module the file with its debug information. Symbolic
 * links are followed only to a vmlinux inside the folder. Errors: debug-info-missing, debug-info-unreadable.
 */
export async function findPackageFiles(directory: string): Promise<PackageFiles> {
  const kernels = new Set<string>();
  const links: string[] = [];
  const modules = new Map<string, { path: string; isDebug: boolean }>();
  for await (const { path, name, isLink } of walk(directory)) {
    if (VMLINUX.test(name)) {
      if (isLink) links.push(path);
      else kernels.add(path);
    }
    const module = isLink ? null : MODULE.exec(name);
    if (module === null) continue;
    const key = module[1]!.replaceAll('-', '_');
    const isDebug = module[2] !== undefined;
    const known = modules.get(key);
    // The stripped module may lie beside its debug information; of two alike, the one whose path comes first.
    if (known === undefined || (isDebug && !known.isDebug) || (isDebug === known.isDebug && path < known.path))
      modules.set(key, { path, isDebug });
  }
  if (kernels.size === 0) for (const link of links) await addInside(directory, link, kernels);
  const [vmlinux, second] = [...kernels].toSorted();
  if (vmlinux === undefined) throw missing(directory);
  if (second !== undefined)
    throw new KernelError('debug-info-unreadable', 'input', {
      what: `there is more than one vmlinux: ${relative(directory, vmlinux)}, ${relative(directory, second)}`,
      where: directory,
      remedy: 'give the folder of one kernel',
    });
  const list = [...modules].map(([name, { path }]) => ({ name, path }));
  return { vmlinux, modules: list.toSorted((a, b) => (a.path < b.path ? -1 : 1)) };
}

function missing(directory: string): KernelError {
  return new KernelError('debug-info-missing', 'input', {
    what: 'there is no vmlinux with debug information',
    where: directory,
    remedy:
      "unpack the kernel's debug package there: linux-image-<release>-dbg on Debian, linux-image-<release>-dbgsym on Ubuntu, kernel-debuginfo on Fedora and RHEL",
  });
}

async function addInside(directory: string, link: string, kernels: Set<string>): Promise<void> {
  const root = await realpath(directory);
  const target = await realpath(link).catch(() => undefined);
  if (target?.startsWith(root + sep) === true) kernels.add(target);
}

async function* walk(directory: string): AsyncGenerator<{ path: string; name: string; isLink: boolean }> {
  const open = [directory];
  let seen = 0;
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    const entries = await opendir(folder).catch((cause: unknown) => {
      if (folder === directory && (errno(cause) === 'ENOENT' || errno(cause) === 'ENOTDIR')) throw missing(directory);
      throw unreadable('the folder cannot be read', folder ?? directory, cause);
    });
    for await (const entry of entries) {
      seen += 1;
      if (seen > MAX_FOLDER_ENTRIES) throw unreadable('the folder holds more than any debug package', directory);
      const path = join(folder, entry.name);
      if (entry.isDirectory()) open.push(path);
      else if (entry.isFile() || entry.isSymbolicLink())
        yield { path, name: entry.name, isLink: entry.isSymbolicLink() };
    }
  }
}
