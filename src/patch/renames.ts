import { basename, extname } from 'node:path';
import type { FileDiff, Hunk } from './diff.ts';

/**
 * Files and folders that the kernel moved, old name and new, under the release that is said to have the new one first: the
 * release is for the reader only, a move counts where the tree has the new name and not the old. A folder ends with a slash.
 */
const MOVES: readonly (readonly [string, string])[] = [
  // 6.4; 6.1 by 6.1.36
  ['fs/cifs/', 'fs/smb/client/'],
  ['fs/ksmbd/', 'fs/smb/server/'],
  ['fs/smbfs_common/', 'fs/smb/common/'],
  // 6.4
  ['drivers/crypto/qat/', 'drivers/crypto/intel/qat/'],
  ['drivers/crypto/keembay/', 'drivers/crypto/intel/keembay/'],
  ['drivers/crypto/ixp4xx_crypto.c', 'drivers/crypto/intel/ixp4xx/ixp4xx_crypto.c'],
  ['drivers/net/wireless/mac80211_hwsim.', 'drivers/net/wireless/virtual/mac80211_hwsim.'],
  ['drivers/net/wireless/virt_wifi.c', 'drivers/net/wireless/virtual/virt_wifi.c'],
  ['drivers/net/wireless/rndis_wlan.c', 'drivers/net/wireless/legacy/rndis_wlan.c'],
  // 6.17: one folder became three
  ['sound/pci/hda/', 'sound/hda/common/'],
  ['sound/pci/hda/', 'sound/hda/codecs/'],
  ['sound/pci/hda/', 'sound/hda/controllers/'],
  ['sound/hda/', 'sound/hda/core/'],
  // 6.0 and 5.19
  ['fs/io_uring.c', 'io_uring/io_uring.c'],
  ['fs/io-wq.', 'io_uring/io-wq.'],
  ['kernel/module.c', 'kernel/module/main.c'],
];

/** Other names under which the kernel's own history moved a path, in either direction. A name is no proof of content. */
export function knownMoves(path: string): string[] {
  const both = MOVES.flatMap(([old, now]) => [[old, now] as const, [now, old] as const]);
  return [...new Set(both.filter(([from]) => path.startsWith(from)).map(([from, to]) => to + path.slice(from.length)))];
}

/**
 * Lines of which a file must hold one, word for word, if this hunk stands in it before the fix or after it, in full or with
 * drifted context: the longest of what is changed and of the line of context beside it. Empty when none says anything.
 */
export function tellingLines(hunk: Hunk): string[] {
  const first = hunk.lines.findIndex(({ kind }) => kind !== ' ');
  const last = hunk.lines.findLastIndex(({ kind }) => kind !== ' ');
  const core = hunk.lines.slice(Math.max(0, first - 1), last + 2);
  const longest = (without: string): string =>
    core
      .filter(({ kind }) => kind !== without)
      .reduce((best, { text }) => (text.length > best.length ? text : best), '');
  const found = [...new Set([longest('+'), longest('-')])];
  return found.every((line) => line.replace(/\W/g, '').length >= TELLING) ? found : [];
}

/** Letters and digits in a line that a tree is searched for. */
const TELLING = 10;
/** Files that are read to see whether a fix fits one of them. */
export const MAX_CANDIDATES = 64;

/** The hunk of a file that says the most of where it stands. */
export function mostTelling({ hunks }: FileDiff): string[] {
  const least = (lines: readonly string[]): number => Math.min(...lines.map((line) => line.trim().length));
  return hunks
    .map(tellingLines)
    .filter((lines) => lines.length > 0)
    .reduce<string[]>((best, lines) => (best.length === 0 || least(lines) > least(best) ? lines : best), []);
}

/** Paths that a file of this kind can have; a file keeps its language when it is moved. */
export function sameKind(path: string, other: string): boolean {
  return extname(path) === extname(other) && basename(other) !== '';
}
