import { relative } from 'node:path';
import { type BuildId, hasCode, type Profile } from '#domain';
import { ProfileCollector } from './collect.ts';
import { missingModules } from './complete.ts';
import { ElfFile } from './elf-file.ts';
import { releaseOfModule } from './identity.ts';
import { MAX_LISTED } from './limits.ts';
import { ModuleCopy } from './module-file.ts';
import { findPackageFiles, type ModuleFile } from './package-files.ts';
import { readDebugSections } from './sections.ts';
import { SourcePaths } from './source-paths.ts';
import { type RawUnits, readUnits } from './unit-reader.ts';
import { readVmlinux } from './vmlinux.ts';

export interface DebugProfileProgress {
  /** Files read so far, and of how many. */
  readonly done: number;
  readonly total: number;
  /** `vmlinux` or the name of a module. */
  readonly target: string;
}

export interface DebugProfileOptions {
  /** An unpacked debug package, or a folder with `vmlinux` and the modules. */
  readonly directory: string;
  /** Files of the kernel's source, relative to its root; empty: not known. */
  readonly sources: ReadonlySet<string>;
  /** Somebody knows that every module of the kernel is in the folder; else a list in it must say so, or absence says nothing. */
  readonly complete?: boolean;
  readonly onProgress?: (progress: DebugProfileProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface DebugProfile {
  /**
   * A profile with `origin: 'debug-info'`. An object's name is made from its source (`net/ipv4/udp.c` → `net/ipv4/udp.o`):
   * it is a name, not a file. `files` holds what the line tables list, and that are only files that gave code or used
   * declarations: a header that only has macros is not there, so **the absence of a header is never proof**, nor that of
   * anything that `blindToDebugInfo` names. `functions` are those with code of their own.
   */
  readonly profile: Profile;
  readonly buildId: BuildId;
  /** `uname -r`. */
  readonly release: string;
  /** First line of the compiler's `--version`; where the kernel does not say it, what debug information calls it. */
  readonly compiler: string;
  /** As `uname -m` says it. */
  readonly arch: string;
  /** What a person should know of how it was read; nothing that makes the profile wrong. */
  readonly notes: readonly string[];
}

/**
 * Reads what went into a kernel from the debug information (DWARF 2 to 5) of its vmlinux and modules. Whatever of it cannot
 * be read is listed in the profile's `unreadable`; for vmlinux as a whole it is an error. `signal` ends it within a second.
 * Errors: debug-info-missing, debug-info-unreadable, build-id-missing, program-missing (a module packed by xz).
 */
export async function readDebugProfile(options: DebugProfileOptions): Promise<DebugProfile> {
  const { directory, sources, onProgress, signal } = options;
  const found = await findPackageFiles(directory);
  const total = found.modules.length + 1;
  const kernel = await readVmlinux(found.vmlinux, signal);
  const paths = new SourcePaths(kernel.raw.units, sources);
  const unreadable = listed('vmlinux', kernel.raw.unreadable);
  const { buildId, release, compiler, arch, notes } = kernel;
  onProgress?.({ done: 1, total, target: 'vmlinux' });
  const there = new Set(found.modules.map(({ name }) => name));
  if (kernel.usesModules && there.size === 0)
    unreadable.push('modules: the kernel uses modules, and there is none in the folder');
  else if (kernel.usesModules && options.complete !== true)
    unreadable.push(...(await missingModules(directory, there)).slice(0, MAX_LISTED));
  const collector = new ProfileCollector(paths, sources, unreadable);
  await collector.add('vmlinux', kernel.raw.units, signal);
  collector.checkSource();
  for (const [index, module] of found.modules.entries()) {
    signal?.throwIfAborted();
    const raw = await readModule(module, { directory, release, signal });
    unreadable.push(...listed(module.name, raw.unreadable));
    await collector.add(module.name, raw.units, signal);
    onProgress?.({ done: index + 2, total, target: module.name });
  }
  return { profile: collector.finish(), buildId, release, compiler, arch, notes };
}

function listed(target: string, texts: readonly string[]): string[] {
  const list = texts.slice(0, MAX_LISTED).map((text) => `${target}: ${text}`);
  return texts.length > list.length ? [...list, `${target}: and ${texts.length - list.length} more`] : list;
}

interface ModuleSetting {
  readonly directory: string;
  readonly release: string;
  readonly signal: AbortSignal | undefined;
}

async function readModule(module: ModuleFile, kernel: ModuleSetting): Promise<RawUnits> {
  const where = relative(kernel.directory, module.path);
  const nothing = (text: string): RawUnits => ({ units: [], unreadable: [`${where}: ${text}`] });
  try {
    await using copy = await ModuleCopy.of(module.path, kernel.signal);
    await using elf = await ElfFile.open(copy.path);
    const release = await releaseOfModule(elf);
    if (release !== undefined && release !== kernel.release)
      return nothing(`it was built for ${release}, not for ${kernel.release}`);
    const sections = await readDebugSections(elf, where);
    return sections === undefined ? nothing('it has no debug information') : await readUnits(sections, kernel.signal);
  } catch (error) {
    if (!hasCode(error, 'debug-info-unreadable')) throw error;
    return nothing(error.message);
  }
}
