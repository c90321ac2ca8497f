import type { Head, Start } from '../start.ts';

const base = { kind: 'module-refused', severity: 'error', guilty: [], trace: false } as const;

function refusal(text: string, title: string, form?: RegExp): Start {
  return { ...base, text, title: `module refused: ${title}`, ...(form === undefined ? {} : { form }) };
}

/**
 * What the module loader says when it refuses a module, after `NAME: ` (kernel/module/{main,version,livepatch}.c,
 * arch/x86/kernel/module.c). `module verification failed … tainting kernel` is none: the module is loaded.
 */
export const named: readonly Start[] = [
  refusal('disagrees about version of symbol ', 'disagrees about version of symbol {1}', /^(\S+)/),
  refusal('no symbol version for ', 'no symbol version for {1}', /^(\S+)/),
  refusal('Unknown symbol ', 'unknown symbol {1}', /^(\S+) \(err -?\d+\)/),
  refusal('version magic ', 'version magic', /^'.{0,200}' should be '/),
  refusal('exports duplicate symbol ', 'exports duplicate symbol {1}', /^(\S+)/),
  refusal('module is marked as livepatch module, but livepatch support is disabled', 'livepatch support is disabled'),
  refusal('module is already loaded', 'already loaded'),
  refusal('is already loaded', 'already loaded'),
  refusal('Unknown rela relocation: ', 'unknown relocation'),
  refusal('Unknown relocation: ', 'unknown relocation'),
  refusal('has invalid WRITE|EXEC flags', 'invalid flags of a section'),
  refusal('module is not marked as a livepatch module', 'not a livepatch'),
  refusal('module PLTs not supported', 'PLTs not supported'),
  refusal('module using GPL-only symbols uses symbols ', 'GPL-only symbols', /^\S+ from proprietary/),
];

/** The same without a name (kernel/module/signing.c, security/integrity, arch/x86/kernel/module.c). */
export const nameless: readonly Start[] = [
  refusal(
    'Loading of ',
    '{1}',
    /^((?:unsigned module|module with (?:unsupported crypto|unavailable key))) is rejected/,
  ),
  refusal('Module ', 'blacklisted', /^(?:hash [0-9a-f]+|\S+) is blacklisted/),
  refusal('Lockdown: ', 'lockdown', /^.{1,20}: unsigned module loading is restricted/),
  refusal('x86/modules: Skipping invalid relocation target', 'invalid relocation target'),
  refusal('x86/modules: Invalid relocation target', 'invalid relocation target'),
  refusal('module: ', 'invalid relocation', /^(?:x86\/modules: )?(?:Skipping i|I)nvalid relocation target/),
];

/** Names of modules: letters, digits, `_` and `-` (MODULE_NAME_LEN, include/linux/moduleparam.h). */
const NAME = /^[\w-]{1,56}$/;
const letters = new Set(named.map((start) => start.text.charCodeAt(0)));

/** The refusal that a line `NAME: words` tells; null for any other line. */
export function findRefusal(text: string): Head | null {
  const colon = text.indexOf(': ');
  if (colon < 1 || colon > 56 || !letters.has(text.charCodeAt(colon + 2))) return null;
  const words = text.slice(colon + 2, colon + 500);
  for (const start of named) {
    if (!words.startsWith(start.text)) continue;
    const found = start.form?.exec(words.slice(start.text.length)) ?? null;
    if (start.form !== undefined && found === null) continue;
    const module = text.slice(0, colon);
    return NAME.test(module) ? { start, groups: found?.slice(1) ?? [], text: words, module } : null;
  }
  return null;
}
