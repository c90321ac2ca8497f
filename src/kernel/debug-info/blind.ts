/**
 * Code that is built and runs but is not linked into vmlinux or a module as it is: linked by itself and put in as bytes
 * (boot code, vdso, realmode, purgatory, the hypervisor part of KVM, EFI stub), or compiled for another machine (BPF).
 * Sources that such code includes besides: the decompressors of the boot code (lib/decompress*.c and what they include),
 * purgatory's SHA-256, libfdt, KVM's own list_debug.c. And C that only offsets or a table's lines are taken from, and
 * programs that generate C (`hostprogs` of Linux 6.1 and 7.2: gen_crc32table, mktables, conmakehash, makemapdata, …).
 */
const BLIND: readonly RegExp[] = [
  /^arch\/[^/]+\/boot\//,
  /^arch\/[^/]+\/(?:.+\/)?(?:vdso(?:32|64)?|vdso-wrap|realmode|purgatory|nvhe|pi)\//,
  /^arch\/arm64\/kvm\/hyp\//,
  /^arch\/[^/]+\/(?:kernel|mm)\/(?:pi|startup)\//,
  /^arch\/[^/]+\/kernel\/prom_init[^/]*\.c$/,
  /(?:^|[/_-])(?:offsets(?:_\d+)?|bounds|tbl)\.c$/,
  /^drivers\/firmware\/efi\/libstub\//,
  /^kernel\/bpf\/preload\//,
  /\.bpf\.c$/,
  /^lib\/(?:decompress|inflate|zlib_|xz\/|lz4\/|lzo\/|zstd\/|vdso\/|fdt|xxhash|list_debug)/,
  /^lib\/(?:crypto\/)?(?:.+\/)?sha256[^/]*$/,
  /(?:^|\/)tools\//,
  /(?:^|[/_-])(?:gen[-_][^/]*|gen(?:map|vdso|headers)|mk[^/]*|make[^/]*|conmakehash)\.c$/,
  /(?:^|\/)(?:pnmtologo|relocs[^/]*|vdso2c|extract-cert|aicasm\/[^/]*)(?:\.c)?$/,
  /^(?:scripts|tools|usr|samples|certs|Documentation)\//,
];

/**
 * Does the absence of this file of the source from debug information say nothing? True for code that is not in it although
 * it is built, and for every file that is no C source: debug information lists a header only when it gave code or
 * declarations that were used (one that only has macros is never there), assembly only when it gave instructions, and no
 * input of a generated file, Makefile or device tree at all.
 */
export function blindToDebugInfo(path: string): boolean {
  return !path.endsWith('.c') || BLIND.some((pattern) => pattern.test(path));
}
