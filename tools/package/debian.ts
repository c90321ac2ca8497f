import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** From a source of this clone to its place on a host. */
export interface FileEntry {
  readonly from: string;
  readonly to: string;
  readonly mode: number;
}

/** A file, or a link with its target. */
export type Entry = FileEntry | { readonly link: string; readonly to: string };

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly depends: string;
  readonly description: string;
  readonly files: readonly Entry[];
  /** Maintainer scripts: name (`postinst`) → source. */
  readonly scripts: Readonly<Record<string, string>>;
  /** Places of files that an operator edits: an upgrade asks before it changes them. */
  readonly conffiles?: readonly string[];
}

/**
 * Builds a package with dpkg-deb, and returns its path below `folder`. The same sources give the same bytes: the owner is root, the times
 * are of 1980.
 */
export function buildDebian(one: DebianPackage, folder: string): string {
  const tree = mkdtempSync(join(tmpdir(), 'tuxtape-package-'));
  try {
    chmodSync(tree, 0o755);
    const size = layOut(one.files, tree);
    const control = join(tree, 'DEBIAN');
    mkdirSync(control);
    for (const [name, source] of Object.entries(one.scripts)) {
      copyFileSync(source, join(control, name));
      chmodSync(join(control, name), 0o755);
    }
    if (one.conffiles !== undefined)
      writeFileSync(join(control, 'conffiles'), one.conffiles.map((path) => `${path}\n`).join(''));
    writeFileSync(join(control, 'control'), controlOf(one, size));
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${one.name}_${one.version}_${one.architecture}.deb`);
    const env = { ...process.env, SOURCE_DATE_EPOCH: '315532800' };
    execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '-z1', '--build', tree, file], { env, stdio: 'pipe' });
    return file;
  } finally {
    rmSync(tree, { recursive: true });
  }
}

/** Places the files below `tree`; the bytes they have. */
export function layOut(files: readonly Entry[], tree: string): number {
  return files.reduce((sum, entry) => sum + place(tree, entry), 0);
}

function place(tree: string, entry: Entry): number {
  const to = join(tree, entry.to);
  mkdirSync(dirname(to), { recursive: true });
  if ('link' in entry) {
    symlinkSync(entry.link, to);
    return 0;
  }
  copyFileSync(entry.from, to);
  chmodSync(to, entry.mode);
  return statSync(entry.from).size;
}

function controlOf({ name, version, architecture, depends, description }: DebianPackage, bytes: number): string {
  const lines = [
    `Package: ${name}`,
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    'Maintainer: TuxTape <tuxtape@localhost>',
    'Section: admin',
    'Priority: optional',
    `Installed-Size: ${Math.ceil(bytes / 1024)}`,
    ...(depends === '' ? [] : [`Depends: ${depends}`]),
    `Description: ${description}`,
  ];
  return `${lines.join('\n')}\n`;
}
