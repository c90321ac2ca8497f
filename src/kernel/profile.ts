import { readdir, readFile } from 'node:fs/promises';
import { join, normalize, relative } from 'node:path';
import { hasCode, type Profile, type ProfileObject } from '#domain';
import { type CmdFile, parseCmdFile } from './cmd-file.ts';
import { KernelError } from './error.ts';
import { thinArchiveMembers } from './thin-archive.ts';

const READS_AT_ONCE = 32;

interface TreeFiles {
  readonly sources: Set<string>;
  readonly cmds: string[];
  readonly mods: string[];
  readonly archives: string[];
}

const PRODUCT = /\.(?:o|a|ko|mod|mod\.c|cmd|d|order|symvers|so|dbg|tmp)$/;

/**
 * Reads the profile of a build tree from what Kbuild left there: `.*.cmd` (sources and headers of each object), `*.mod`
 * (objects of each module), `vmlinux.a` and `lib.a` (objects of vmlinux). Nothing wraps make, so any finished build works.
 * Errors: cmd-unreadable, when no command file can be read; single broken ones are listed in `unreadable`.
 */
export async function readProfile(tree: string, _source?: string): Promise<Profile> {
  const found = await listTree(tree);
  const targets = await readTargets(tree, found);
  const objects: ProfileObject[] = [];
  const files = new Map<string, number[]>();
  const unreadable: string[] = [];
  for await (const [path, text] of readAll(tree, found.cmds)) {
    const cmd = parseOrNote(text, path, unreadable);
    if (cmd === undefined) continue;
    const index = objects.length;
    objects.push({ object: cmd.object, source: cmd.source, target: targetOf(cmd, targets), initOnly: null });
    for (const file of cmd.dependencies) {
      const users = files.get(file);
      if (users) users.push(index);
      else files.set(file, [index]);
    }
  }
  if (objects.length === 0) {
    throw new KernelError('cmd-unreadable', 'kernel-source', {
      what: 'the tree holds no command file of a finished build',
      where: tree,
      remedy: 'build the kernel first; "make clean" removes what a profile is read from',
    });
  }
  return {
    origin: 'build',
    objects,
    files,
    sources: found.sources,
    unreadable,
    generated: new Map(),
    functions: objects.map(() => []),
    predictions: new Map(),
  };
}

function parseOrNote(text: string, path: string, unreadable: string[]): CmdFile | undefined {
  try {
    return parseCmdFile(text, path);
  } catch (error) {
    if (!hasCode(error, 'cmd-unreadable')) throw error;
    unreadable.push(path);
    return undefined;
  }
}

async function listTree(tree: string): Promise<TreeFiles> {
  const found: TreeFiles = { sources: new Set(), cmds: [], mods: [], archives: [] };
  for (const entry of await readdir(tree, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() && !entry.isSymbolicLink()) continue;
    const path = relative(tree, join(entry.parentPath, entry.name));
    if (entry.name.endsWith('.cmd')) {
      if (isCompileCommand(path, entry.name)) found.cmds.push(path);
    } else if (entry.name.endsWith('.mod')) found.mods.push(path);
    else if (entry.name === 'lib.a' || path === 'vmlinux.a' || path === 'built-in.a') found.archives.push(path);
    else if (!PRODUCT.test(entry.name)) found.sources.add(path);
  }
  found.cmds.sort();
  return found;
}

/** Command files of compilations. Those below tools/ have another form and belong to programs of the build machine. */
function isCompileCommand(path: string, name: string): boolean {
  return name.startsWith('.') && !path.startsWith('tools/') && !/\.(?:mod|mod\.o|ko|a|order)\.cmd$/.test(name);
}

/** Object → `vmlinux` or module name. */
async function readTargets(tree: string, found: TreeFiles): Promise<Map<string, string>> {
  const targets = new Map<string, string>();
  for (const path of found.archives) {
    for (const member of thinArchiveMembers(await readFile(join(tree, path)))) {
      targets.set(normalize(join(path, '..', member)), 'vmlinux');
    }
  }
  for (const path of found.mods) {
    const name = path.slice(path.lastIndexOf('/') + 1, -'.mod'.length).replaceAll('-', '_');
    const text = await readFile(join(tree, path), 'utf8');
    for (const object of text.split(/\s+/)) if (object.endsWith('.o')) targets.set(normalize(object), name);
  }
  return targets;
}

function targetOf(cmd: CmdFile, targets: ReadonlyMap<string, string>): string | null {
  return targets.get(cmd.object) ?? (cmd.forKernel ? 'image' : null);
}

/** Reads files some at a time, in order. */
async function* readAll(tree: string, paths: readonly string[]): AsyncGenerator<[string, string]> {
  for (let start = 0; start < paths.length; start += READS_AT_ONCE) {
    const part = paths.slice(start, start + READS_AT_ONCE);
    const texts = await Promise.all(part.map((path) => readFile(join(tree, path), 'latin1')));
    for (const [i, text] of texts.entries()) yield [part[i]!, text];
  }
}

/** Modules of the profile and how many objects each target has. */
export function targetsOf(profile: Profile): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { target } of profile.objects) if (target !== null) counts.set(target, (counts.get(target) ?? 0) + 1);
  return counts;
}
