/**
 * Flags that only what goes into a kernel is compiled with (top Makefile, KBUILD_CPPFLAGS; scripts/Makefile.lib, c_flags and
 * dtc_cpp_flags; scripts/Makefile.build, rust_common_cmd). Programs of the build machine have none of them
 * (scripts/Makefile.host).
 */
const FOR_KERNEL = /\s(?:-D__KERNEL__|-nostdinc|-D__DTS__|@\S*include\/generated\/rustc_cfg)(?:\s|$)/;

/** The command compiles for the kernel, not for the build machine. */
export function forKernel(command: string): boolean {
  return command.includes(' -D__KERNEL__ ') || FOR_KERNEL.test(command);
}

/** Words of a command that name objects and archives. */
export function linkedWords(command: string): string[] {
  return command.split(/[\s;|&()'"]+/).filter((word) => word.endsWith('.o') || word.endsWith('.a'));
}

/** What a command put together is a link: its parts are the objects among its words. */
export function isLink(target: string): boolean {
  return target.endsWith('.o') || /(?:^|\/)(?:vmlinux(?:\.unstripped)?|built-in\.o)$/.test(target);
}
