import type { Fault } from '#domain';

/** The first real error of a make: what every later line follows from. */
export interface FirstError {
  /** The line itself. */
  readonly text: string;
  /** File of the source and line in it, as the compiler says them. */
  readonly file: string | null;
  readonly line: number | null;
  /** What make was making, where its own lines tell. */
  readonly target: string | null;
  readonly fault: Fault;
  readonly remedy: string;
}

interface Rule {
  readonly pattern: RegExp;
  readonly fault: Fault;
  readonly remedy: string;
  /** The cause wherever it stands: other errors before it are its doing. */
  readonly outranks?: boolean;
}

const MAX_TEXT = 300;
const LOOK_BACK = 30;
const MISSING_PROGRAM = 'install what the line names into the toolchain, then build again';
const SOURCE = 'mend the source or the configuration, then build again; nothing of this build is used';

/**
 * What a line of gcc, ld, sh, make, modpost, objtool and pahole looks like that says why a build failed; the texts are
 * those of Linux 5.10 to 7.2 and of binutils and gcc 12 to 15. The first line that any rule knows is taken.
 */
const rules: readonly Rule[] = [
  {
    pattern: /No space left on device|Disk quota exceeded/,
    fault: 'toolchain',
    remedy: 'free space where the kernel trees are, then build again',
    outranks: true,
  },
  {
    pattern: /[Kk]illed signal terminated program|\bfatal error: Killed\b|^(?:\S+: (?:line )?\d+: *\d* *)?Killed\b/,
    fault: 'toolchain',
    remedy: 'the machine ran out of memory, or the build reached its cap: fewer jobs (-j), or more memory',
  },
  {
    pattern: /virtual memory exhausted|memory exhausted|out of memory allocating|[Cc]annot allocate memory/,
    fault: 'toolchain',
    remedy: 'one program reached the memory cap of the build: raise --memory',
  },
  {
    pattern: /fatal error: (?:openssl|libelf|gelf|dwarf|elfutils|gmp|mpc|ncurses|zlib)[\w./-]*: No such file/,
    fault: 'toolchain',
    remedy: 'install the development package that holds this header into the toolchain',
  },
  { pattern: /: (?:fatal )?error: |^(?:fatal )?error: /i, fault: 'kernel-source', remedy: SOURCE },
  { pattern: /^ERROR: modpost: |^ERROR: ".*" \[.*\] undefined!/, fault: 'kernel-source', remedy: SOURCE },
  {
    pattern: /undefined reference to|multiple definition of|undefined symbol: |relocation truncated to fit/,
    fault: 'kernel-source',
    remedy: SOURCE,
  },
  {
    pattern:
      /^(?:\/bin\/)?(?:ba|da)?sh: (?:line )?\d+: .*: (?:command )?not found$|^make(?:\[\d+\])?: .*: No such file/,
    fault: 'toolchain',
    remedy: MISSING_PROGRAM,
  },
  { pattern: /pahole.*(?:not found|not available|is too old)/i, fault: 'toolchain', remedy: MISSING_PROGRAM },
  {
    pattern: /^FAILED:? (?:load BTF|elf_update)|^Failed to (?:generate|encode) BTF|: BTF encoding|btf_encoder__/,
    fault: 'toolchain',
    remedy: 'use a pahole (dwarves) that knows this compiler, or build without CONFIG_DEBUG_INFO_BTF',
  },
  {
    pattern: /No rule to make target '.*(?:certs\/|\.pem|\.x509)/,
    fault: 'kernel-source',
    remedy:
      'the configuration names a certificate that is not here: set CONFIG_SYSTEM_TRUSTED_KEYS and CONFIG_SYSTEM_REVOCATION_KEYS to your own, or to ""',
  },
  { pattern: /No rule to make target/, fault: 'kernel-source', remedy: SOURCE },
  { pattern: /^ld: |^[\w-]+-ld: |file not recognized|final link failed/, fault: 'kernel-source', remedy: SOURCE },
  { pattern: /\*\*\* /, fault: 'kernel-source', remedy: SOURCE },
];

/** What ends a make but says nothing, and lines with the word "error" in another sense. */
const FOLLOWS =
  /^make(?:\[\d+\])?: \*\*\* (?:\[|Waiting for unfinished jobs)|^collect2: error: |^cc1: (?:all|some) warnings being treated/;
const WARNING = /\bwarning: /;

/** Finds it in what a make printed, also where lines of several jobs stand between each other. */
export function findFirstError(log: string): FirstError {
  const lines = log.split('\n').map((line) => line.trimEnd());
  const found = earliest(lines);
  if (found === undefined) {
    const last = lines.findLast((line) => line.trim() !== '') ?? 'make printed nothing';
    return { text: last.trim().slice(0, MAX_TEXT), file: null, line: null, target: null, ...ofMake };
  }
  const text = (lines[found.index] ?? '').trim();
  const { file, line } = placeOf(text);
  return {
    text: text.slice(0, MAX_TEXT),
    file,
    line,
    target: targetOf(lines, found.index, file, text),
    fault: found.rule.fault,
    remedy: found.rule.remedy,
  };
}

const ofMake = { fault: 'kernel-source', remedy: 'read the log' } as const;

function earliest(lines: readonly string[]): { index: number; rule: Rule } | undefined {
  let first: { index: number; rule: Rule } | undefined;
  let follower: { index: number; rule: Rule } | undefined;
  for (const [index, line] of lines.entries()) {
    const rule = rules.find(({ pattern }) => pattern.test(line.trimStart()));
    if (rule === undefined || (WARNING.test(line) && rule.outranks !== true)) continue;
    if (rule.outranks === true) return { index, rule };
    if (FOLLOWS.test(line)) follower ??= { index, rule };
    else first ??= { index, rule };
  }
  return first ?? follower;
}

function placeOf(text: string): { file: string | null; line: number | null } {
  const match = /^(?:\S*ld: )?((?:[\w.@+-]*\/)*[\w.@+-]+\.(?:[chSs]|rs|lds|dtsi?|y|l)):(\d+)(?::\d+)?: /.exec(text);
  return match ? { file: tidy(match[1]!), line: Number(match[2]) } : { file: null, line: null };
}

/** Without the `./` and the mount point that Kbuild writes before paths. */
function tidy(path: string): string {
  return path.replace(/^(?:\.\/|\/mnt\/linux\/)+/, '');
}

/** `make[2]: *** [scripts/Makefile.build:250: kernel/fork.o] Error 1`, older: `[kernel/fork.o]`. */
const FAILED =
  /^make(?:\[\d+\])?: \*\*\* \[(?:[^\]:]+:\d+: )?([^\]\s]+)\] (?:Error \d+|Killed|Terminated|Segmentation)/;

/**
 * The target whose recipe printed the error. The compiler's own words lead there: the file, or for a header the file
 * that included it. Where they name none, the first target that failed afterwards, if only one did.
 */
function targetOf(lines: readonly string[], at: number, file: string | null, text: string): string | null {
  const wanted = /No rule to make target '[^']*', needed by '([^']+)'/.exec(text)?.[1];
  if (wanted !== undefined) return wanted;
  const failed = lines.slice(at).flatMap((line) => FAILED.exec(line)?.[1] ?? []);
  const source = file === null ? null : file.endsWith('.h') ? includer(lines, at) : file;
  const stem = source?.replace(/\.[^./]+$/, '');
  const same = stem === undefined ? undefined : failed.find((target) => target.replace(/\.[^./]+$/, '') === stem);
  if (same !== undefined) return same;
  const leaves = failed.filter((target) => /\.\w+$|^vmlinux|\/vmlinux/.test(target));
  return leaves.length === 1 || stem === undefined ? (leaves[0] ?? null) : null;
}

/** The last `from X:12` of the block above an error in a header. */
function includer(lines: readonly string[], at: number): string | null {
  for (let index = at - 1; index >= Math.max(0, at - LOOK_BACK); index -= 1) {
    const match = /^(?:In file included|\s+) ?from (\S+?):\d+/.exec(lines[index] ?? '');
    if (match) return tidy(match[1]!);
  }
  return null;
}

/** As one sentence. */
export function firstErrorText({ text, target }: FirstError): string {
  return target === null || text.includes(target) ? text : `${text} (while making ${target})`;
}
