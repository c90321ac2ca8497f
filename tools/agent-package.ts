/** Debian packages of the agent: build/packages/tuxtape-agent_VERSION_all.deb and tuxtape-runtime_NODE_ARCH.deb. */
import { readFileSync, statSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { agentBundle, bundleAgent } from './agent-bundle.ts';
import { buildDebian, type FileEntry } from './package/debian.ts';

const root = join(import.meta.dirname, '..');
const sources = join(import.meta.dirname, 'agent-package');
export const packages = join(root, 'build/packages');

/** What the two packages put on a host; also what a test lays out by hand. `library`: above `systemd/system`. */
export function agentFiles(library = 'lib'): readonly FileEntry[] {
  const unit = (name: string): FileEntry => ({
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

export function runtimeFiles(): readonly FileEntry[] {
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

export function packageVersion(): string {
  return version('package.json');
}

export function runtimeVersion(): string {
  return version(`node_modules/node-linux-${nodeArch()}/package.json`);
}

function script(name: string): string {
  return join(sources, `${name}.sh`);
}

/** The package of the agent alone: what a fleet is given often, for the runtime changes rarely. Its file. */
export async function packageAgent(): Promise<string> {
  await bundleAgent();
  return buildDebian(
    {
      name: 'tuxtape-agent',
      version: packageVersion(),
      architecture: 'all',
      depends: `tuxtape-runtime (>= 24), kmod`,
      description: 'loads livepatches of the kernel that runs here, and takes bad ones back',
      files: agentFiles(),
      scripts: { prerm: script('prerm'), postinst: script('postinst'), postrm: script('postrm') },
    },
    packages,
  );
}

export function packageRuntime(): string {
  return buildDebian(
    {
      name: 'tuxtape-runtime',
      version: runtimeVersion(),
      architecture: arch() === 'arm64' ? 'arm64' : 'amd64',
      depends: 'libc6, libstdc++6, libgcc-s1',
      description: 'the Node.js that the TuxTape agent is tested with, for it alone',
      files: runtimeFiles(),
      scripts: {},
    },
    packages,
  );
}

if (import.meta.main) {
  for (const file of [await packageAgent(), packageRuntime()])
    console.log(`${file.slice(root.length + 1)}: ${statSync(file).size} bytes`);
}
