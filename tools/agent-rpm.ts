/** RPM packages of the agent, beside the Debian ones: the same files, by rpmbuild. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleAgent } from './agent-bundle.ts';
import { agentFiles, packages, packageVersion, runtimeFiles, runtimeVersion } from './agent-package.ts';
import { type FileEntry, layOut } from './package/debian.ts';

interface RpmPackage {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  readonly license: string;
  readonly requires: readonly string[];
  readonly noarch: boolean;
  readonly files: readonly FileEntry[];
  /** Sections of the spec file for maintainer scripts. */
  readonly scripts: string;
}

/** What is loaded stays loaded; $1 is 0 when the last version goes (rpm's scriptlets). */
const SCRIPTS = `%post
[ ! -d /run/systemd/system ] || systemctl daemon-reload >/dev/null 2>&1 || :
%preun
if [ "$1" = 0 ] && [ -d /run/systemd/system ]; then
  systemctl disable --now tuxtape-agent.timer tuxtape-agent-boot.service >/dev/null 2>&1 || :
fi
%postun
if [ "$1" = 0 ]; then rm -rf /run/tuxtape; fi
`;

function build(one: RpmPackage): string {
  const top = mkdtempSync(join(tmpdir(), 'tuxtape-rpm-'));
  try {
    layOut(one.files, join(top, 'tree'));
    const spec = [
      `Name: ${one.name}`,
      `Version: ${one.version}`,
      'Release: 1',
      `Summary: ${one.summary}`,
      `License: ${one.license}`,
      ...(one.noarch ? ['BuildArch: noarch'] : []),
      'AutoReqProv: no',
      ...one.requires.map((name) => `Requires: ${name}`),
      // Node is taken as it is, and what a build has of time and place is left out.
      '%global __os_install_post %{nil}',
      '%global debug_package %{nil}',
      '%description',
      one.summary,
      '%install',
      `cp -a ${join(top, 'tree')}/. %{buildroot}/`,
      one.scripts,
      '%files',
      '%defattr(-,root,root,-)',
      ...one.files.map(({ to }) => `/${to}`),
    ];
    writeFileSync(join(top, 'package.spec'), `${spec.join('\n')}\n`);
    const defines = [`_topdir ${top}`, '_binary_payload w1.xzdio', '_build_id_links none'];
    const words = ['-bb', '--quiet', ...defines.flatMap((define) => ['--define', define]), join(top, 'package.spec')];
    execFileSync('rpmbuild', words, { stdio: 'pipe' });
    const [file] = readdirSync(join(top, 'RPMS'), { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.rpm'),
    );
    const target = join(packages, file!.split('/').at(-1)!);
    execFileSync('cp', [join(top, 'RPMS', file!), `${target}.part`]);
    renameSync(`${target}.part`, target);
    return target;
  } finally {
    rmSync(top, { recursive: true });
  }
}

export async function rpmOfAgent(): Promise<string> {
  await bundleAgent();
  mkdirSync(packages, { recursive: true });
  return build({
    name: 'tuxtape-agent',
    version: packageVersion(),
    summary: 'Loads livepatches of the kernel that runs here, and takes bad ones back',
    license: 'Apache-2.0',
    requires: ['tuxtape-runtime >= 24', 'kmod'],
    noarch: true,
    files: agentFiles('usr/lib'),
    scripts: SCRIPTS,
  });
}

export function rpmOfRuntime(): string {
  mkdirSync(packages, { recursive: true });
  return build({
    name: 'tuxtape-runtime',
    version: runtimeVersion(),
    summary: 'The Node.js that the TuxTape agent is tested with, for it alone',
    license: 'MIT',
    requires: ['glibc', 'libstdc++', 'libgcc'],
    noarch: false,
    files: runtimeFiles(),
    scripts: '',
  });
}

if (import.meta.main) for (const file of [await rpmOfAgent(), rpmOfRuntime()]) console.log(file);
