import type { AppliedPatch, ConfigChange, Profile, Toolchain } from '#domain';
import { type RunningComparison, type RunningDifference, targetsOf } from '#kernel';
import type { KernelRow } from '#store';
import { inert } from '../text.ts';

export interface ProfileSummary {
  readonly origin: Profile['origin'];
  readonly objects: number;
  readonly inVmlinux: number;
  readonly inModules: number;
  readonly modules: number;
  readonly files: number;
  readonly unreadable: readonly string[];
}

export function summary(profile: Profile): ProfileSummary {
  const targets = targetsOf(profile);
  const inVmlinux = targets.get('vmlinux') ?? 0;
  const modules = [...targets].filter(([name]) => name !== 'vmlinux' && name !== 'image');
  const inModules = modules.reduce((sum, [, count]) => sum + count, 0);
  return {
    origin: profile.origin,
    objects: profile.objects.length,
    inVmlinux,
    inModules,
    modules: modules.length,
    files: profile.files.size,
    unreadable: profile.unreadable,
  };
}

const FROM: Readonly<Record<Profile['origin'], string>> = {
  build: 'profile',
  'debug-info': 'profile, from debug information',
  config: 'profile, predicted from configuration and Makefiles',
};

export function summaryText(profile: Profile): string {
  const { objects, inVmlinux, inModules, modules, files, unreadable } = summary(profile);
  const count = unreadable.length;
  const warning =
    count === 0
      ? ''
      : profile.origin === 'config'
        ? `\n${count} Makefiles were not understood whole; what they may name is unknown: ${unreadable.slice(0, 3).map(inert).join(', ')}`
        : `\nWARNING: ${count} files of its build could not be read; no CVE is dismissed by this profile`;
  return `${FROM[profile.origin]}: ${objects} objects (${inVmlinux} in vmlinux, ${inModules} in ${modules} modules) from ${files} files${warning}`;
}

export function originText({ origin }: KernelRow): string {
  const words = {
    built: 'by its build here',
    'build-tree': 'by the tree of a build made elsewhere',
    'debug-info': 'from debug information of a build made elsewhere',
    config: 'predicted from its configuration and source; it was not built',
  } as const;
  return words[origin];
}

export function sourceText({ source, sourceDirectory }: KernelRow): string {
  const where = sourceDirectory === null ? '' : `, in ${sourceDirectory}`;
  if (source === null) return `not recorded${where}`;
  if (source.kind === 'directory')
    return `directory ${inert(source.address)}${source.address === sourceDirectory ? '' : where}`;
  const mark = source.kind === 'git' ? `${source.ref}, commit ${source.commit}` : `sha256 ${source.sha256}`;
  return `${source.kind} ${inert(source.address)}, ${mark}${where}`;
}

export function patchText({ name, sha256, offsets, fuzz }: AppliedPatch): string {
  const said = [...offsets, ...fuzz].map(inert);
  return `${inert(name)}, sha256 ${sha256}${said.length > 0 ? ` (${said.join('; ')})` : ''}`;
}

export function changeText({ symbol, before, after }: ConfigChange): string {
  return `CONFIG_${symbol}: ${inert(before ?? 'not set')} → ${inert(after ?? 'not set')}`;
}

/** Compiler and place, then linker and tools, a line each. */
export function toolchainLines({ compiler, root, linker, tools, image }: Toolchain): string[] {
  return [
    `${inert(compiler)}${root === null ? '' : ` in ${root}`}${image === undefined ? '' : `, image ${image}`}`,
    ...(linker === null ? [] : [inert(linker)]),
    ...Object.entries(tools ?? {}).map(([name, line]) =>
      inert(line.toLowerCase().includes(name) ? line : `${name} ${line}`),
    ),
  ];
}

export function comparisonText({ differences, unknown }: RunningComparison): string {
  const changed = differences.filter(({ what }) => what === 'config').length;
  const lines = differences.map((difference) => `WARNING: ${differenceText(difference)}`);
  if (changed > 0) lines.splice(-changed, 0, `WARNING: ${changed} options of the configuration differ`);
  const silent = unknown.length === 0 ? [] : [`not compared, as one side does not say it: ${unknown.join(', ')}`];
  return [...(lines.length > 0 ? lines : ['no difference was found in what both sides say']), ...silent].join('\n');
}

function differenceText({ what, here, running, symbol }: RunningDifference): string {
  const sides = `here "${inert(here ?? 'not set')}", running "${inert(running ?? 'not set')}"`;
  if (what === 'config') return `CONFIG_${symbol ?? ''} differs: ${sides}`;
  if (what === 'release' || what === 'build-id') return `the ${what} differs: ${sides}`;
  return `the ${what} is another one than built the running kernel: ${sides}`;
}
