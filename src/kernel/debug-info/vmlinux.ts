import type { BuildId } from '#domain';
import { KernelError } from '../error.ts';
import { ElfFile } from './elf-file.ts';
import { bannerOf, buildIdOf } from './identity.ts';
import { unreadable } from './limits.ts';
import { readDebugSections } from './sections.ts';
import { type RawUnits, readUnits } from './unit-reader.ts';

/** What a vmlinux with debug information says of itself. */
export interface Vmlinux {
  readonly buildId: BuildId;
  readonly release: string;
  readonly compiler: string;
  readonly arch: string;
  readonly usesModules: boolean;
  readonly raw: RawUnits;
  readonly notes: string[];
}

/** Errors: debug-info-missing, debug-info-unreadable, build-id-missing. */
export async function readVmlinux(path: string, signal?: AbortSignal): Promise<Vmlinux> {
  await using elf = await ElfFile.open(path);
  const buildId = await buildIdOf(elf);
  const banner = await bannerOf(elf);
  const sections = await readDebugSections(elf, path);
  if (elf.relocatable) throw unreadable('vmlinux is not linked', path);
  if (sections === undefined) throw stripped(path);
  const raw = await readUnits(sections, signal);
  if (raw.units.length === 0) throw unreadable(raw.unreadable[0] ?? 'the debug information has no unit', path);
  const notes: string[] = [];
  const release = banner?.release ?? /vmlinux-([\w.+~-]+?)(?:\.debug)?$/.exec(path)?.[1] ?? releaseOfFolder(path);
  if (banner === undefined)
    notes.push('vmlinux has no banner: release and compiler are from file names and debug information');
  if (release === undefined) throw unreadable('neither vmlinux nor its path says which release it is', path);
  const usesModules = elf.sections.some(({ name, size }) => /^__ksymtab(?:_gpl)?$/.test(name) && size > 0);
  const producer = raw.units.find((unit) => !unit.producer.startsWith('GNU AS'))?.producer ?? '';
  const compiler = banner?.compiler ?? producer.replace(/ -.*$/, '');
  return { buildId, release, compiler, arch: elf.arch, usesModules, raw, notes };
}

function releaseOfFolder(path: string): string | undefined {
  return /\/lib\/modules\/([^/]+)\/vmlinux/.exec(path)?.[1];
}

function stripped(path: string): KernelError {
  return new KernelError('debug-info-missing', 'input', {
    what: 'vmlinux has no debug information (DWARF): it was stripped or built without',
    where: path,
    remedy:
      "unpack the kernel's debug package: linux-image-<release>-dbg on Debian, kernel-debuginfo on Fedora and RHEL; or build with CONFIG_DEBUG_INFO",
  });
}
