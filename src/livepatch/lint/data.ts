import { type ObjectData, plainName } from '#kernel';
import { type Finding, finding, some } from '#patch';

/** What macros of the kernel make for themselves: names of functions, flags of once-messages, keys of lockdep, exports. */
const SPECIAL =
  /^(?:__func__|__FUNCTION__|__PRETTY_FUNCTION__|__already_done|__warned|__print_once|___done|___once_key|descriptor|__key|_rs|_entry|_entry_ptr|__msg|__print_fmt|_fmt|print_fmt_\w+|__tpstrtab_\w+|__tp_str\w*|__k(?:sym|str|crc)tab\w*|__crc_\w+|__UNIQUE_ID_\w*|__addressable_\w+|__export_symbol_\w+|__bpf_trace_\w+|__mod_\w+|__func_stack_frame_non_standard_\w*)$/;
const INIT = /^\.(?:init|exit|meminit|memexit)\.(?:data|rodata)/;

/** Hazards 3, 6 and 11 in the objects: data by its symbols. */
export function dataFindings(object: string, before: readonly ObjectData[], after: readonly ObjectData[]): Finding[] {
  const [was, is] = [byName(before), byName(after)];
  const place = { path: object, line: null };
  const found: Finding[] = [];
  const init: string[] = [];
  for (const [name, now] of is) {
    const old = was.get(name);
    if (old === undefined) {
      const isNew = now.some(({ isWritable, section }) => isWritable && !INIT.test(section));
      if (isNew) found.push(finding('object-data-added', place, `${name} is new in ${now[0]!.section}`));
      continue;
    }
    if (old.length === now.length && digests(old) === digests(now)) continue;
    if (INIT.test(now[0]!.section)) init.push(name);
    else found.push(...changedData(object, name, old, now));
  }
  for (const [name, old] of was)
    if (!is.has(name) && old.some(({ isInFunction, isWritable }) => isInFunction && isWritable))
      found.push(finding('object-static-local', place, `the static variable ${name} is gone`));
  if (init.length > 0) found.push(finding('object-init', place, `data of the start changes: ${some(init)}`));
  return found;
}

function changedData(object: string, name: string, old: readonly ObjectData[], now: readonly ObjectData[]): Finding[] {
  const place = { path: object, line: null };
  const [first] = now;
  // A constant of a function is replaced with the function.
  if (now.every(({ isInFunction, isWritable }) => isInFunction && !isWritable)) return [];
  if (now.every(({ isInFunction }) => isInFunction) && old.length !== now.length)
    return [finding('object-static-local', place, `${now.length} static variables ${name} instead of ${old.length}`)];
  const sizes = old[0]!.size === first!.size ? '' : `, ${first!.size} bytes instead of ${old[0]!.size}`;
  return [finding('object-data', place, `${name} changes in ${first!.section}${sizes}`)];
}

function byName(all: readonly ObjectData[]): Map<string, ObjectData[]> {
  const found = new Map<string, ObjectData[]>();
  for (const one of all) {
    const name = plainName(one.name);
    if (SPECIAL.test(name)) continue;
    found.set(name, [...(found.get(name) ?? []), one]);
  }
  return found;
}

function digests(all: readonly ObjectData[]): string {
  return all
    .map(({ digest, section }) => `${plainName(section)} ${digest}`)
    .toSorted()
    .join('\n');
}
