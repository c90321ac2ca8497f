import type { Evidence } from '#domain';
import type { KernelRow } from '#store';
import { type Places, quoted, STANDS_FOR } from './replay-places.ts';

/** As the build rung names it, and how many files its sentence names (triage/build-rung.ts). */
const HISTORY = 'the history of the fixes';
const SHOWN = 4;

interface Found {
  readonly path: string;
  readonly kind?: 'compiled' | 'not-compiled' | 'undecided';
  readonly why?: string;
  readonly predicted?: string;
  readonly moved?: { readonly to: string; readonly how: string };
}

/** Those that the sentence speaks of: it names some that are compiled or not decided, and clears by all of them. */
function spokenOf(outcome: Evidence['outcome'], facts: Evidence['facts']): readonly Found[] {
  const all = (facts['findings'] as readonly Found[] | undefined) ?? [];
  if (outcome === 'clears') return all;
  const kind = outcome === 'supports' ? 'compiled' : 'undecided';
  return all.filter((one) => one.kind === kind).slice(0, SHOWN);
}

/** Which command files name the paths, which units of the debug information do, or what their conditions are here. */
export function buildReplay(
  { outcome, facts }: Evidence,
  kernel: KernelRow,
  tree: string | null,
  places: Places,
): string | null {
  const found = spokenOf(outcome, facts);
  if (found.length === 0) return null;
  const moved = found.find((one) => one.moved?.how === HISTORY);
  if (moved !== undefined) {
    const log = 'log --follow -M --diff-filter=R --name-status --format=%H';
    return places.fixes === null
      ? `git -C DIR ${log} -- ${quoted(moved.path)}  ${STANDS_FOR}`
      : `git -C ${quoted(places.fixes.directory)} ${log} -- ${quoted(moved.path)}`;
  }
  const paths = found.map((one) => one.moved?.to ?? one.path);
  if (kernel.origin === 'debug-info') {
    const words = paths.map((path) => `-e ${quoted(path)}`).join(' ');
    return `find DEBUG -name 'vmlinux*' -o -name '*.ko*' | xargs -n1 readelf -wi --dwarf-depth=1 | grep -F ${words}`;
  }
  if (kernel.origin === 'config') return predictedReplay(found, places);
  const patterns = paths.map((path) => `-e ${quoted(recorded(path, kernel.sourceDirectory !== null))}`).join(' ');
  return tree && `grep -rlE --include='.*.cmd' ${patterns} ${tree}`;
}

function predictedReplay(found: readonly Found[], { config }: Places): string | null {
  const conditions = found.map(({ why, predicted }) => `${why ?? ''} ${predicted ?? ''}`).join(' ');
  const symbols = [...new Set(conditions.match(/\bCONFIG_\w+/g))];
  return symbols.length === 0 || config === null ? null : `grep -wE -e ${quoted(symbols.join('|'))} ${quoted(config)}`;
}

/**
 * The whole path as Kbuild writes it (scripts/basic/fixdep.c), a word of its own. It may climb: arch/x86/kvm/../../../virt.
 * `apart`: the build is not in its source, and a root stands before it, of whatever name it had then.
 */
function recorded(path: string, apart: boolean): string {
  const parts = path.split('/').map((part) => part.replaceAll(/[.[\]{}()*+?^$|\\]/g, '\\$&'));
  const root = apart ? '/\\S*/' : '/mnt/linux/';
  return `\\s(${root}|\\S*\\.\\./)?${parts.join('/(\\S*\\.\\./)?')}(\\s|$)`;
}
