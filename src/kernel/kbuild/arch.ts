import { KernelError } from '../error.ts';
import type { KernelConfig } from '../kconfig.ts';

/** `uname -m` → ARCH, as in scripts/subarch.include. */
const MACHINES: readonly (readonly [RegExp, string])[] = [
  [/^(?:i.86|x86_64|x86)$/, 'x86'],
  [/^sun4u$|^sparc/, 'sparc'],
  [/^(?:aarch64|arm64)/, 'arm64'],
  [/^arm|^sa110$/, 'arm'],
  [/^s390/, 's390'],
  [/^ppc|^powerpc/, 'powerpc'],
  [/^mips/, 'mips'],
  [/^sh[234]/, 'sh'],
  [/^riscv/, 'riscv'],
  [/^loongarch/, 'loongarch'],
  [/^parisc/, 'parisc'],
];
/** The option that a configuration of the folder below arch/ always sets, where it is not the folder's name. */
const OPTION: Readonly<Record<string, string>> = { powerpc: 'PPC', sh: 'SUPERH', um: 'UML' };

/** Folder below arch/ of a machine. */
export function archOf(machine: string): string {
  return MACHINES.find(([pattern]) => pattern.test(machine))?.[1] ?? machine;
}

/** Errors: config-unreadable, when the configuration is of another architecture: every prediction would be wrong. */
export function needArch(config: KernelConfig, arch: string, archs: readonly string[]): void {
  const option = (name: string): string => OPTION[name] ?? name.toUpperCase();
  if (config.has(option(arch))) return;
  const other = archs.find((name) => config.get(option(name)) === 'y');
  if (other === undefined) return;
  throw new KernelError('config-unreadable', 'input', {
    what: `the configuration is of ${other}, the kernel of ${arch}`,
    where: `CONFIG_${option(other)}=y`,
    remedy: 'give the .config of this kernel, or the machine it runs on',
  });
}
