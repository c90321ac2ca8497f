/** GNU build-id of a vmlinux, lower-case hex: what identifies a kernel. A version alone never does. */
export type BuildId = string;

const BUILD_ID = /^[0-9a-f]{16,64}$/;

export function isBuildId(text: string): boolean {
  return BUILD_ID.test(text);
}

/** Where and with what a kernel is built. `chroot` is a root directory holding the compiler and the tools. */
export interface Toolchain {
  readonly kind: 'host' | 'chroot' | 'image';
  /** Root directory of the chroot, or of the unpacked container image; null on the host. */
  readonly root: string | null;
  /** First line of `gcc --version`. */
  readonly compiler: string;
  /** First line of `ld --version`; null: not known. */
  readonly linker: string | null;
  /** Prefix of the cross compiler, e.g. `aarch64-linux-gnu-`: given to make as CROSS_COMPILE. */
  readonly cross?: string;
  /** Digest of the manifest of the container image that was unpacked into `root`, e.g. `sha256:…`. */
  readonly image?: string;
  /** First line of `--version` of the other programs a build reads: make, and clang, pahole, rustc when they are there. */
  readonly tools?: Readonly<Record<string, string>>;
}

/** One object file of a kernel build. */
export interface ProfileObject {
  /** Path relative to the source root, e.g. `net/ipv4/udp.o`; with a build folder of its own (O=), relative to that. */
  readonly object: string;
  /** The file it is compiled from, relative to the source root. */
  readonly source: string;
  /**
   * `vmlinux`, the name of the module it is linked into (`nf_tables`), `image` for code that runs with the kernel but is
   * linked by itself (boot code, vdso), or null for a host program, which is not part of the kernel.
   */
  readonly target: string | null;
  /** All of its code runs at start or removal only (`.init.text`, `.exit.text`) and is freed afterwards; null: not known. */
  readonly initOnly: boolean | null;
}

/**
 * Where a profile was read from: it says how far absence from it is proof. Debug information lists a header only when it
 * gave code or used declarations, so that with `debug-info` the absence of a header is never proof (`blindToDebugInfo`).
 */
export type ProfileOrigin = 'build' | 'debug-info' | 'config';

/** What Makefiles and configuration say of one file of the source, without a build. */
export interface FilePrediction {
  readonly state: 'built' | 'left-out' | 'unknown';
  /** The condition as a person reads it, e.g. `CONFIG_NET=y and CONFIG_TLS not set`. */
  readonly condition: string;
  /** No other file includes it, and no rule of a Makefile names it: only its own object is compiled from it. */
  readonly alone: boolean;
}

/** What went into a kernel build: read from Kbuild's own `.*.cmd` files, from debug information, or predicted. */
export interface Profile {
  readonly origin: ProfileOrigin;
  readonly objects: readonly ProfileObject[];
  /**
   * Every file that was read for an object, relative to the source root → rising indexes into `objects`. Besides sources
   * and headers these are the inputs of generated files (`x.asn1`, `syscall_64.tbl`), by the objects that read the latter.
   */
  readonly files: ReadonlyMap<string, readonly number[]>;
  /** Every file of the source tree: a path that is not here was renamed or never existed, and is never "not compiled". */
  readonly sources: ReadonlySet<string>;
  /**
   * What could not be read (`.cmd` files, debug information); while there is one, no file is called "not compiled". A
   * prediction lists the Makefiles it did not understand: what they may name is `unknown` in `predictions`.
   */
  readonly unreadable: readonly string[];
  /** Files that the build made → the files of the source tree they are made from. */
  readonly generated: ReadonlyMap<string, readonly string[]>;
  /** Names of the functions of each object, by its index; an empty list says nothing (assembly, LTO, not looked at). */
  readonly functions: readonly (readonly string[])[];
  /** Only with `origin: 'config'`: what is predicted for files of the source; a file that is not here is unknown. */
  readonly predictions: ReadonlyMap<string, FilePrediction>;
}
