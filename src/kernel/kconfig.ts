import type { ConfigChange } from '#domain';
import { readLimited } from '#host';
import { KernelError } from './error.ts';

const MAX_CONFIG_BYTES = 4 << 20;

/** Symbol → value as written (`y`, `m`, `"text"`, `123`); unset symbols are absent. */
export type KernelConfig = ReadonlyMap<string, string>;

/** Reads a `.config`. Errors: config-unreadable, with the line. */
export async function readKernelConfig(file: string): Promise<KernelConfig> {
  const text = (await readLimited(file, MAX_CONFIG_BYTES)).toString('utf8');
  return parseKernelConfig(text, file);
}

/** Documentation/kbuild/kconfig.rst: `CONFIG_X=value` or `# CONFIG_X is not set`; other comments and blank lines mean nothing. */
export function parseKernelConfig(text: string, where: string): KernelConfig {
  const values = new Map<string, string>();
  for (const [index, line] of text.split('\n').entries()) {
    const set = /^CONFIG_(\w+)=(.*)$/.exec(line);
    if (set) values.set(set[1]!, set[2]!);
    else if (line.trim() !== '' && !line.startsWith('#')) {
      throw new KernelError('config-unreadable', 'input', {
        what: `not a kernel configuration: ${shown(line)}`,
        where: `${where}:${index + 1}`,
        remedy: 'give the .config the kernel was built with',
      });
    }
  }
  if (values.size === 0) {
    throw new KernelError('config-unreadable', 'input', {
      what: 'the configuration sets nothing',
      where,
      remedy: 'give the .config the kernel was built with',
    });
  }
  return values;
}

/** What is no text is not shown: it would reach a terminal. */
function shown(line: string): string {
  return /[\p{Cc}\p{Cf}\ufffd]/u.test(line.slice(0, 60).replaceAll('\t', ' '))
    ? 'binary data'
    : `"${line.slice(0, 60)}"`;
}

/**
 * Symbols that describe the compiler and its abilities, not a choice of the user: they follow the toolchain, and
 * `olddefconfig` rewrites them on another one.
 */
const DESCRIBES_TOOLCHAIN =
  /^(?:CC_|GCC_|CLANG_|LD_|LLD_|AS_|RUSTC_|BINDGEN_|PAHOLE_|TOOLS_|HAVE_|ARCH_|GCC\d*_|DEBUG_INFO_COMPRESSED|INIT_STACK_|CONSTRUCTORS|.*_VERSION$|.*_HAS_|.*CAN_)/;

/** What differs between a configuration and what `olddefconfig` makes of it; `choices` are the user's, the rest the toolchain's. */
export function configChanges(
  before: KernelConfig,
  after: KernelConfig,
): { choices: ConfigChange[]; toolchain: ConfigChange[] } {
  const changes: ConfigChange[] = [];
  for (const symbol of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(symbol) ?? null, after.get(symbol) ?? null];
    if (old !== now) changes.push({ symbol, before: old, after: now });
  }
  return {
    choices: changes.filter(({ symbol }) => !DESCRIBES_TOOLCHAIN.test(symbol)),
    toolchain: changes.filter(({ symbol }) => DESCRIBES_TOOLCHAIN.test(symbol)),
  };
}
