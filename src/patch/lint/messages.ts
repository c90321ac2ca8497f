import { callsIn, countsOf } from './c-text.ts';
import { type Finding, finding, some } from './finding.ts';
import type { Family } from './surroundings.ts';

/** include/linux/once.h, printk.h, ratelimit.h, bug.h. */
const ONCE =
  /^(?:(?:VM_)?WARN(?:_ON)?_ONCE|WARN_TAINT_ONCE|DO_ONCE\w*|\w+_once|\w+_ratelimited|__ratelimit|\w+_RATELIMITED)$/;
const KEYS =
  /^(?:static_branch_\w+|static_key_(?:false|true|slow_\w+|enable\w*|disable\w*)|static_call\w*|trace_\w+|jump_label_\w+|DEFINE_STATIC_\w+|pr_debug|dev_dbg|netdev_dbg|dynamic_pr_debug)$/;
const KEY_MACRO = /^(?:DEFINE_STATIC_(?:KEY|CALL)\w*|DECLARE_STATIC_\w+|EXPORT_STATIC_CALL\w*)\(/;
const TRACEPOINT = /^(?:TRACE_EVENT\w*|DECLARE_TRACE\w*|DEFINE_EVENT\w*|DECLARE_EVENT_CLASS|TRACE_DEFINE_\w+)\(/;

/** Hazards 12 and 13: messages with a state of their own; keys, static calls and tracepoints. */
export const messages: Family = ({ path, before, after, functions }) => {
  const found: Finding[] = [];
  for (const { name, line, before: old, after: now } of functions) {
    if (now === undefined) continue;
    const [was, is] = [countsOf(callsIn(old?.body ?? '')), countsOf(callsIn(now.body))];
    const more = [...is].filter(([call, count]) => count > (was.get(call) ?? 0)).map(([call]) => call);
    const other = [...new Set([...is.keys(), ...was.keys()])].filter((call) => is.get(call) !== was.get(call));
    const once = more.filter((call) => ONCE.test(call));
    if (once.length > 0) found.push(finding('once-macro', { path, line }, `${name} gets ${some(once)}`));
    const keys = other.filter((call) => KEYS.test(call) && !before.functions.has(call) && !after.functions.has(call));
    if (keys.length > 0)
      found.push(finding('static-key', { path, line }, `${name} uses ${some(keys)} otherwise than before`));
  }
  for (const [key, now] of after.items) {
    if (now.kind !== 'macro' || before.items.get(key)?.canonical === now.canonical) continue;
    const place = { path, line: now.first };
    if (KEY_MACRO.test(now.name)) found.push(finding('static-key', place, `${now.name} is new or changes`));
    if (TRACEPOINT.test(now.name)) found.push(finding('tracepoint-changed', place, `${now.name} is new or changes`));
  }
  return found;
};

/** Hazard 15. */
export const syscalls: Family = ({ path, functions }) =>
  functions.flatMap(({ name, line, before, after }) => {
    const call = /^(COMPAT_)?SYSCALL_DEFINE\d?\((\w+)\)/.exec(name);
    if (call === null || before === undefined || after === undefined) return [];
    const middle = call[1] === undefined ? 'sys' : 'compat_sys';
    return [
      finding(
        'syscall-body',
        { path, line },
        `${name} changes: __do_${middle}_${call[2]} is inlined into __se_${middle}_${call[2]}, which is replaced`,
      ),
    ];
  });
