/** GNU build-id of a vmlinux, lower-case hex: what identifies a kernel. A version alone never does. */
export type BuildId = string;

const BUILD_ID = /^[0-9a-f]{16,64}$/;

export function isBuildId(text: string): boolean {
  return BUILD_ID.test(text);
}

/** Where and with what a kernel is built. `chroot` is a root directory holding the compiler and the tools. */
export interface Toolchain {
  readonly kind: 'host' | 'chroot';
  /** Root directory of the chroot; null on the host. */
  readonly root: string | null;
  /** First line of `gcc --version`. */
  readonly compiler: string;
}

/** One object file of a kernel build. */
export interface ProfileObject {
  /** Path relative to the source root, e.g. `net/ipv4/udp.o`. */
  readonly object: string;
  /** The file it is compiled from, relative to the source root. */
  readonly source: string;
  /**
   * `vmlinux`, the name of the module it is linked into (`nf_tables`), `image` for code that runs with the kernel but is
   * linked by itself (boot code, vdso), or null for a host program, which is not part of the kernel.
   */
  readonly target: string | null;
}

/** What went into a kernel build: read from Kbuild's own `.*.cmd` files. */
export interface Profile {
  readonly objects: readonly ProfileObject[];
  /** Every source and header file that was read, relative to the source root → indexes into `objects`. */
  readonly files: ReadonlyMap<string, readonly number[]>;
  /** Every file of the source tree: a path that is not here was renamed or never existed, and is never "not compiled". */
  readonly sources: ReadonlySet<string>;
  /** `.cmd` files that could not be read; while there is one, no file is called "not compiled". */
  readonly unreadable: readonly string[];
}
