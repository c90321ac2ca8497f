import { callsIn, countsOf } from './c-text.ts';
import type { ChangedFunction } from './change.ts';
import { type Finding, finding, some } from './finding.ts';
import type { Family, Surroundings } from './surroundings.ts';

/** Calls whose names end or begin as those of a pair and that count nothing. */
const NO_PAIR =
  /^(?:klp_|nla_|nlmsg_|skb_put|__skb_put|put_user|get_user|__put_user|__get_user|put_unaligned|get_unaligned|get_random|put_cmsg|seq_put|xa_|tty_put|smp_|this_cpu_|of_get_|i2c_get_|led_get_|platform_get_|snd_kcontrol|inet6?_get|get_cpu|put_cpu|ida_|idr_get|bpf_get|cpu_relax|local_inc|local_dec|test_and|u64_stats|_?_?[A-Z])/;
const TAKE = /^(.*?)_*(?:try_?get|get|hold|grab|igrab|inc_not_zero|inc|ref|pin)$|^(?:__)?inc_(.+)$/;
const GIVE = /^(.*?)_*(?:put_sync|put|release|drop|dec_and_test|dec|unref|unpin)$|^(?:__)?dec_(.+)$/;
/** Pairs whose verb comes first; get_order() and its like take nothing. */
const PREFIXED =
  /^(?:__)?(get|put)_((?:net|task_struct|device|page|file|cred|pid|disk|super|dax|client|group_info)\w*|\w+_(?:ns|ctx|ref|struct))$/;
const FREE =
  /^(?:kv?free(?:_sensitive|_rcu\w*)?|kfree_skb\w*|consume_skb|kmem_cache_free|vfree|free_page\w*|free_percpu|brelse|call_rcu|\w+_free(?:_rcu)?|\w+_destroy|iput|dput|fput|path_put|mntput)$/;

type Kind = 'take' | 'give' | 'free';

function kindOf(name: string): { kind: Kind; stem: string } | undefined {
  if (FREE.test(name)) return { kind: 'free', stem: 'free' };
  if (NO_PAIR.test(name)) return undefined;
  const prefixed = PREFIXED.exec(name);
  if (prefixed !== null) return { kind: prefixed[1] === 'get' ? 'take' : 'give', stem: prefixed[2]! };
  const give = GIVE.exec(name);
  if (give !== null) return { kind: 'give', stem: stemOf(give[1] ?? give[2] ?? '') };
  const take = TAKE.exec(name);
  if (take !== null) return { kind: 'take', stem: stemOf(take[1] ?? take[2] ?? '') };
  return undefined;
}

/** `refcount_inc` and `refcount_dec`, `dev_hold` and `dev_put`: what is left of the name without the verb. */
function stemOf(rest: string): string {
  return rest.replace(/^_+|_+$/g, '');
}

/** How much more often a function calls each name of a pair than before. */
export function pairDelta(fn: ChangedFunction): Map<string, { kind: Kind; stem: string; more: number }> {
  const [was, is] = [countsOf(callsIn(fn.before?.body ?? '')), countsOf(callsIn(fn.after?.body ?? ''))];
  const delta = new Map<string, { kind: Kind; stem: string; more: number }>();
  for (const name of new Set([...was.keys(), ...is.keys()])) {
    const more = (is.get(name) ?? 0) - (was.get(name) ?? 0);
    const kind = more === 0 ? undefined : kindOf(name);
    if (kind !== undefined) delta.set(name, { ...kind, more });
  }
  return delta;
}

/** Hazard 4: a function counts otherwise than before. */
export const pairs: Family = ({ path, functions }) =>
  functions
    .filter(({ before, after }) => before !== undefined && after !== undefined)
    .flatMap((fn) => {
      const delta = [...pairDelta(fn)].map(([name, { more }]) => `${name} ${more > 0 ? '+' : ''}${more}`);
      if (delta.length === 0) return [];
      return [finding('pair-count', { path, line: fn.line }, `${fn.name}: ${some(delta)}`)];
    });

/**
 * Hazard 22, over the whole patch: a reference more is taken in one function and given back in another, or giving back moves
 * from one to another. A new function that the old one calls is a part of it, and moves nothing.
 */
export function splitPairs({ changes }: Surroundings): Finding[] {
  const stems = new Map<string, Side[]>();
  const called = new Set(
    changes.flatMap(({ functions }) => functions).flatMap(({ after }) => callsIn(after?.body ?? '')),
  );
  for (const { path, functions } of changes)
    for (const fn of functions) {
      const isOwn = fn.after !== undefined && (fn.before !== undefined || !called.has(fn.name));
      for (const [name, { kind, stem, more }] of pairDelta(fn)) {
        const sides = stems.get(stem) ?? [];
        stems.set(stem, sides);
        const calls = new Set(callsIn(fn.after?.body ?? ''));
        sides.push({ path, line: fn.line, name, kind, fn: fn.name, calls, more, isOwn });
      }
    }
  return [...stems.values()].flatMap((sides) => [...splitIn(sides), ...movedIn(sides)]);
}

interface Side {
  readonly path: string;
  readonly line: number;
  readonly name: string;
  readonly kind: Kind;
  readonly fn: string;
  /** What the function calls afterwards. */
  readonly calls: ReadonlySet<string>;
  readonly more: number;
  /** It runs by itself: it was there before, or is reached by its address only. */
  readonly isOwn: boolean;
}

function splitIn(sides: readonly Side[]): Finding[] {
  const [taken, given] = [sides.filter(({ kind }) => kind === 'take'), sides.filter(({ kind }) => kind === 'give')];
  const [more, less] = [sum(taken), sum(given)];
  if (more === 0 || less === 0 || Math.sign(more) !== Math.sign(less)) return [];
  if (taken.some((take) => given.some((give) => isOneFlow(take, give)))) return [];
  const [take, give] = [taken[0]!, given[0]!];
  const place = { path: give.path, line: give.line };
  if (more > 0) return [finding('pair-split', place, `${take.fn} now calls ${take.name}, and ${give.fn} ${give.name}`)];
  return [finding('pair-dropped', place, `${take.fn} no longer calls ${take.name}, nor ${give.fn} ${give.name}`)];
}

/** One of them calls the other: what is taken there is given back in the same flow. */
function isOneFlow(a: Side, b: Side): boolean {
  return a.fn === b.fn || a.calls.has(b.fn) || b.calls.has(a.fn);
}

function movedIn(sides: readonly Side[]): Finding[] {
  const given = sides.filter(({ kind, isOwn }) => kind !== 'take' && isOwn);
  const to = given.find(({ more }) => more > 0);
  const from = given.find(({ more, name, fn }) => more < 0 && name === to?.name && fn !== to.fn);
  if (to === undefined || from === undefined) return [];
  const what = `${to.name} moves from ${from.fn} to ${to.fn}`;
  return [finding('pair-moved', { path: to.path, line: to.line }, what)];
}

function sum(sides: readonly Side[]): number {
  return sides.reduce((total, { more }) => total + more, 0);
}
