/** Debian packages of the agent: build/packages/tuxtape-agent_VERSION_all.deb and tuxtape-runtime_NODE_ARCH.deb. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { arch, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { agentBundle, bundleAgent } from './agent-bundle.ts';

const root = join(import.meta.dirname, '..');
const sources = join(import.meta.dirname, 'agent-package');
export const packages = join(root, 'build/packages');

/** From a source of this clone to its place on a host. */
export interface Entry {
  readonly from: string;
  readonly to: string;
  readonly mode: number;
}

/** What the two packages put on a host; also what a test lays out by hand. `library`: above `systemd/system`. */
export function agentFiles(library = 'lib'): readonly Entry[] {
  const unit = (name: string): Entry => ({
    from: join(sources, name),
    to: `${library}/systemd/system/${name}`,
    mode: 0o644,
  });
  return [
    { from: agentBundle, to: 'usr/lib/tuxtape/tuxtape-agent.cjs', mode: 0o644 },
    { from: join(sources, 'tuxtape-agent.sh'), to: 'usr/sbin/tuxtape-agent', mode: 0o755 },
    { from: join(root, 'LICENSE'), to: 'usr/share/doc/tuxtape-agent/copyright', mode: 0o644 },
    unit('tuxtape-agent.service'),
    unit('tuxtape-agent.timer'),
    unit('tuxtape-agent-boot.service'),
  ];
}

export function runtimeFiles(): readonly Entry[] {
  const node = join(root, `node_modules/node-linux-${nodeArch()}`);
  return [
    { from: join(node, 'bin/node'), to: 'usr/lib/tuxtape/node', mode: 0o755 },
    { from: join(node, 'LICENSE'), to: 'usr/share/doc/tuxtape-runtime/copyright', mode: 0o644 },
  ];
}

function nodeArch(): 'x64' | 'arm64' {
  return arch() === 'arm64' ? 'arm64' : 'x64';
}

function version(path: string): string {
  return (JSON.parse(readFileSync(join(root, path), 'utf8')) as { version: string }).version;
}

/** Copies the files below `tree`; the bytes they have. */
export function layOut(files: readonly Entry[], tree: string): number {
  let size = 0;
  for (const { from, to, mode } of files) {
    mkdirSync(dirname(join(tree, to)), { recursive: true });
    copyFileSync(from, join(tree, to));
    chmodSync(join(tree, to), mode);
    size += statSync(from).size;
  }
  return size;
}

export function packageVersion(): string {
  return version('package.json');
}

export function runtimeVersion(): string {
  return version(`node_modules/node-linux-${nodeArch()}/package.json`);
}

interface Package {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly depends: string;
  readonly description: string;
  readonly files: readonly Entry[];
  /** Maintainer scripts by name. */
  readonly scripts: readonly string[];
}

function buildDebian(one: Package): string {
  const tree = mkdtempSync(join(tmpdir(), 'tuxtape-package-'));
  try {
    chmodSync(tree, 0o755);
    const size = layOut(one.files, tree);
    mkdirSync(join(tree, 'DEBIAN'));
    for (const script of one.scripts) {
      copyFileSync(join(sources, `${script}.sh`), join(tree, 'DEBIAN', script));
      chmodSync(join(tree, 'DEBIAN', script), 0o755);
    }
    const control = [
      `Package: ${one.name}`,
      `Version: ${one.version}`,
      `Architecture: ${one.architecture}`,
      'Maintainer: TuxTape <tuxtape@localhost>',
      'Section: admin',
      'Priority: optional',
      `Installed-Size: ${Math.ceil(size / 1024)}`,
      ...(one.depends === '' ? [] : [`Depends: ${one.depends}`]),
      `Description: ${one.description}`,
    ];
    writeFileSync(join(tree, 'DEBIAN/control'), `${control.join('\n')}\n`);
    const file = join(packages, `${one.name}_${one.version}_${one.architecture}.deb`);
    // The same bytes from the same sources: the owner is root, the times are of 1980.
    const env = { ...process.env, SOURCE_DATE_EPOCH: '315532800' };
    execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '-z1', '--build', tree, file], { env, stdio: 'pipe' });
    return file;
  } finally {
    rmSync(tree, { recursive: true });
  }
}

/** The package of the agent alone: what a fleet is given often, for the runtime changes rarely. Its file. */
export async function packageAgent(): Promise<string> {
  await bundleAgent();
  mkdirSync(packages, { recursive: true });
  return buildDebian({
    name: 'tuxtape-agent',
    version: packageVersion(),
    architecture: 'all',
    depends: `tuxtape-runtime (>= 24), kmod`,
    description: 'loads livepatches of the kernel that runs here, and takes bad ones back',
    files: agentFiles(),
    scripts: ['prerm', 'postinst', 'postrm'],
  });
}

export function packageRuntime(): string {
  mkdirSync(packages, { recursive: true });
  return buildDebian({
    name: 'tuxtape-runtime',
    version: runtimeVersion(),
    architecture: arch() === 'arm64' ? 'arm64' : 'amd64',
    depends: 'libc6, libstdc++6, libgcc-s1',
    description: 'the Node.js that the TuxTape agent is tested with, for it alone',
    files: runtimeFiles(),
    scripts: [],
  });
}

if (import.meta.main) {
  for (const file of [await packageAgent(), packageRuntime()])
    console.log(`${file.slice(root.length + 1)}: ${statSync(file).size} bytes`);
}
