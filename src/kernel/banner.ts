/** What a kernel says of its own making. */
export interface Banner {
  /** `uname -r`. */
  readonly release: string;
  /** As `gcc --version` says it in its first line (CONFIG_CC_VERSION_TEXT). */
  readonly compiler: string;
  /** As `ld -v` says it; null before Linux 5.8, which did not say it. */
  readonly linker: string | null;
}

/** `Linux version RELEASE (USER@HOST) (COMPILER, LINKER) #N …`: init/version.c and scripts/mkcompile_h of the kernel. */
const BANNER = /Linux version (\d\S{0,63}) \([^\n]{0,200}?@[^\s)]{0,200}\) \(([^\n]{1,400}?)\) #\d/;
const LINKER = /^(.*), ((?:GNU (?:ld|gold)|(?:\w+ ){0,3}LLD|\S*ld) .*)$/;

/** Finds the banner in a text such as /proc/version or the start of a kernel log. */
export function parseBanner(text: string): Banner | undefined {
  const match = BANNER.exec(text);
  if (!match) return undefined;
  const made = LINKER.exec(match[2]!);
  return { release: match[1]!, compiler: made?.[1] ?? match[2]!, linker: made?.[2] ?? null };
}
