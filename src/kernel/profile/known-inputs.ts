import type { PathSet } from './path-set.ts';

const CPU_FEATURES = ['arch/x86/include/asm/cpufeatures.h', 'arch/x86/include/asm/vmxfeatures.h'];

/** Files made by Makefile rules that leave no command file (`$(call cmd,…)`, filechk) → what those rules read. */
const FILES: ReadonlyMap<string, readonly string[]> = new Map([
  ['include/generated/timeconst.h', ['kernel/time/timeconst.bc']],
  ['lib/oid_registry_data.c', ['include/linux/oid_registry.h']],
  ['lib/crc32table.h', ['lib/gen_crc32table.c']],
  ['lib/crc64table.h', ['lib/gen_crc64table.c']],
  ['lib/crc/crc32table.h', ['lib/crc/gen_crc32table.c']],
  ['lib/crc/crc64table.h', ['lib/crc/gen_crc64table.c']],
  ['drivers/tty/vt/consolemap_deftbl.c', ['drivers/tty/vt/cp437.uni']],
  ['drivers/eisa/devlist.h', ['drivers/eisa/eisa.ids']],
  ['security/apparmor/capability_names.h', ['include/uapi/linux/capability.h']],
  ['security/apparmor/rlim_names.h', ['include/uapi/asm-generic/resource.h']],
  ['security/apparmor/net_names.h', ['include/linux/socket.h']],
  [
    'security/selinux/flask.h',
    ['security/selinux/include/classmap.h', 'security/selinux/include/initial_sid_to_string.h'],
  ],
  ['security/selinux/av_permissions.h', ['security/selinux/include/classmap.h']],
  ['arch/x86/lib/inat-tables.c', ['arch/x86/lib/x86-opcode-map.txt']],
  ['arch/x86/boot/cpustr.h', CPU_FEATURES],
  ['arch/x86/include/generated/asm/cpufeaturemasks.h', CPU_FEATURES],
]);

/** The same for names that many folders have: asn1_compiler, bison and flex (scripts/Makefile.build, scripts/Makefile.host). */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/[.-]asn1\.[ch]$/, '.asn1'],
  [/\.tab\.[ch]$/, '.y'],
  [/\.lex\.c$/, '.l'],
];

/** How the names of NAMES end. */
const NAMED = /(?:asn1|tab|lex)\.[ch]/;

/** What a file is made from that no command file explains; undefined for any other. */
export function knownInputs(path: string): readonly string[] | undefined {
  const rule = NAMES.find(([name]) => name.test(path));
  return FILES.get(path) ?? (rule === undefined ? undefined : [path.replace(...rule)]);
}

/** Those of a set of paths that `knownInputs` explains. */
export function knownFiles(paths: PathSet): string[] {
  const named = [...[...FILES.keys()].filter((path) => paths.has(path)), ...paths.ending(NAMED)];
  return named.filter((path) => knownInputs(path) !== undefined);
}
