import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Profile } from '#domain';
import type { KernelConfig } from '../kconfig.ts';
import { sourceVersion } from '../source.ts';
import { archOf, needArch } from './arch.ts';
import { contentsOf } from './contents.ts';
import { Decider } from './decide.ts';
import { evaluateMakefile } from './evaluate.ts';
import { valueOfVariable } from './expand.ts';
import { scanIncludes } from './include-scan.ts';
import { type Listing, listSource, makefileReader, matching } from './listing.ts';
import { Budget, type Surroundings } from './scope.ts';
import { type Folder, presetOf, type Walked, walk } from './walk.ts';

export interface PredictOptions {
  /** Root of a kernel source. */
  readonly source: string;
  /** The whole `.config`, as Kconfig of this source wrote it: an option that is not in it counts as not set. */
  readonly config: KernelConfig;
  /** `uname -m` of the machine the kernel is for. */
  readonly arch: string;
}

/**
 * Predicts without a build what the configuration makes Kbuild compile, from the Makefiles alone (kernel documentation,
 * kbuild/makefiles.rst). No program is run: what depends on a compiler's answer, on the environment or on anything else
 * that is not in tree and configuration is unknown. A file is left out only when every way to it is known and closed.
 * Taken for granted: plain `make` without variables on its command line, and that nothing unknown names a file outside of
 * the folder of its Makefile. Errors: source-not-a-kernel, config-unreadable (of another architecture).
 */
export async function predictProfile({ source, config, arch: machine }: PredictOptions): Promise<Profile> {
  const version = await sourceVersion(source);
  const arch = archOf(machine);
  needArch(config, arch, await readdir(join(source, 'arch')).catch(() => []));
  const listing = await listSource(source);
  const walked = await walkFrom(listing, config, arch, version);
  const includes = await scanIncludes(listing);
  const { predictions, objects } = new Decider(listing, walked, includes, config, arch).decide();
  const files = new Map<string, number[]>();
  for (const [index, object] of objects.entries()) {
    const users = files.get(object.source);
    if (users) users.push(index);
    else files.set(object.source, [index]);
  }
  return {
    origin: 'config',
    objects,
    files,
    sources: listing.files,
    unreadable: [...walked.folders.values()]
      .filter(({ facts }) => facts.failed !== undefined)
      .map(({ makefile, facts }) => `${makefile}: ${facts.failed}`),
    generated: new Map(),
    functions: objects.map(() => []),
    predictions,
  };
}

/** Empty in a build of everything in the tree itself: the top Makefile calls itself for any other. */
const IN_TREE_BUILD = [
  'MAKECMDGOALS',
  'KBUILD_EXTMOD',
  'KBUILD_OUTPUT',
  'building_out_of_srctree',
  'VPATH',
  'need-sub-make',
];

/** The top Makefile with that of the architecture, the root's Kbuild, and all folders below. */
async function walkFrom(listing: Listing, config: KernelConfig, arch: string, version: string): Promise<Walked> {
  const budget = new Budget();
  const read = makefileReader(listing);
  const surroundings = (exported: ReadonlyMap<string, string>): Surroundings => ({
    config: configValue(config, version),
    wildcard: (pattern) => matching(listing, pattern, (work) => budget.spend(work)),
    exported,
    budget,
  });
  const everywhere = { sure: true, builtin: true, modules: true };
  const fixed = new Map([
    ...['ARCH', 'SUBARCH'].map((name) => [name, arch] as const),
    ...['srctree', 'objtree', 'srcroot', 'abs_srctree', 'abs_objtree', 'abs_output', 'CURDIR'].map(
      (name) => [name, '.'] as const,
    ),
    ...IN_TREE_BUILD.map((name) => [name, ''] as const),
    ['sub_make_done', '1'] as const,
  ]);
  const top = await evaluateMakefile({
    folder: '',
    makefile: 'Makefile',
    surroundings: surroundings(new Map([['ARCH', arch]])),
    read,
    preset: presetOf(''),
    fixed,
  });
  const exported = new Map<string, string>();
  for (const name of top.scope.exports) exported.set(name, valueOfVariable(name, top.scope));
  const options = { surroundings: surroundings(exported), read, preset: new Map<string, string>() };
  const roots: Folder[] = [{ facts: top, contents: contentsOf(top, true), makefile: 'Makefile', visit: everywhere }];
  if (listing.files.has('Kbuild')) {
    const facts = await evaluateMakefile({ ...options, folder: '', makefile: 'Kbuild', preset: presetOf('') });
    roots.push({ facts, contents: contentsOf(facts, false), makefile: 'Kbuild', visit: everywhere });
  }
  return walk(roots, listing, options);
}

/** Strings lost their quotes in include/config/auto.conf with Linux 5.17 (commit 129ab0d2d9f3). */
function configValue(config: KernelConfig, version: string): (symbol: string) => string {
  const [major, minor] = version.split('.').map(Number);
  const quoted = major! < 5 || (major === 5 && minor! < 17);
  return (symbol) => {
    const value = config.get(symbol) ?? '';
    if (value === 'n') return '';
    return quoted || !value.startsWith('"') ? value : value.slice(1, -1).replace(/\\(.)/g, '$1');
  };
}
