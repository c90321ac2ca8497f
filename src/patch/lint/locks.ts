import { callsIn } from './c-text.ts';
import type { ChangedFunction } from './change.ts';
import { type Finding, finding, some } from './finding.ts';
import type { Family } from './surroundings.ts';

const LOCK =
  /(?:^|_)(?:lock|trylock)(?:_|$)|^down(?:_read|_write)?(?:_\w+)?$|^(?:local_irq_(?:save|disable)|local_bh_disable|preempt_disable)$/;
const UNLOCK =
  /(?:^|_)unlock(?:_|$)|^up(?:_read|_write)?$|^(?:release_sock|local_irq_(?:restore|enable)|local_bh_enable|preempt_enable)$/;
/** Names of locks that take none. */
const NO_LOCK =
  /lockdep|_held|_init|_assert|assert_|is_locked|_destroy|lock_class|clock|block|flock_|_contended|^(?:posix|vfs)_/;

interface Event {
  /** `spin_lock(&x->lock)` */
  readonly text: string;
  readonly takes: boolean;
}

interface Trace {
  readonly events: readonly Event[];
  /** Calls, each with the number of events before it. */
  readonly calls: readonly string[];
}

/** Hazard 5: locks of each changed function before and after. */
export const locks: Family = ({ path, functions }) =>
  functions.flatMap((fn) => {
    if (fn.before === undefined || fn.after === undefined) return [];
    return lockFindings(path, fn, traceOf(fn.before.body), traceOf(fn.after.body));
  });

function lockFindings(path: string, { name, line }: ChangedFunction, was: Trace, is: Trace): Finding[] {
  const same = textsOf(was.events) === textsOf(is.events);
  if (same) {
    const moved = movedCalls(was, is);
    if (moved.length === 0) return [];
    return [finding('lock-scope', { path, line }, `${name}: ${some(moved)} moved into a lock or out of it`)];
  }
  const [taken, now] = [was, is].map(({ events }) => textsOf(events.filter(({ takes }) => takes)));
  const what = `${name}: before ${listed(was)}; now ${listed(is)}`;
  // The same locks in the same order, given back in more places: an error path, or a lock held longer or shorter.
  return [finding(taken === now ? 'lock-scope' : 'lock-order', { path, line }, what)];
}

function textsOf(events: readonly Event[]): string {
  return events.map(({ text }) => text).join('\n');
}

function listed({ events }: Trace): string {
  return events.length === 0 ? 'no lock' : some(events.map(({ text }) => text));
}

/** Calls that both texts have equally often, at another place among the locks. */
function movedCalls(was: Trace, is: Trace): string[] {
  const places = ({ calls }: Trace): Map<string, string[]> => {
    const found = new Map<string, string[]>();
    for (const call of calls) {
      const [place, name] = call.split(' ');
      found.set(name!, [...(found.get(name!) ?? []), place!]);
    }
    return found;
  };
  const [before, after] = [places(was), places(is)];
  return [...before]
    .filter(([name, at]) => after.get(name)?.length === at.length && after.get(name)!.join() !== at.join())
    .map(([name]) => name);
}

function traceOf(body: string): Trace {
  const events: Event[] = [];
  const calls: string[] = [];
  for (const match of body.matchAll(/\b([A-Za-z_]\w*) \(/g)) {
    const name = match[1]!;
    const takes = LOCK.test(name);
    if (NO_LOCK.test(name) || (!takes && !UNLOCK.test(name))) {
      if (callsIn(match[0]).length > 0) calls.push(`${events.length} ${name}`);
      continue;
    }
    events.push({
      text: `${name}(${argumentsAt(body, match.index + match[0].length)})`,
      takes: takes && !UNLOCK.test(name),
    });
  }
  return { events, calls };
}

function argumentsAt(body: string, start: number): string {
  let depth = 1;
  let at = start;
  while (at < body.length && depth > 0) {
    if (body[at] === '(') depth += 1;
    if (body[at] === ')') depth -= 1;
    at += 1;
  }
  return body
    .slice(start, at - 1)
    .replaceAll('- >', '->')
    .replace(/\s*([^\w\s])\s*/g, '$1')
    .trim();
}
