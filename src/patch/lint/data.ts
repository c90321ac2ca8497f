import { canonical } from './c-text.ts';
import type { ChangedFunction, FileChange } from './change.ts';
import { type Finding, finding, some } from './finding.ts';
import type { Item } from './items.ts';
import { type Family, isHeader } from './surroundings.ts';

/** Macros that are looked at by another family, or that no running kernel reads. */
const NOT_DATA =
  /^(?:EXPORT_\w*SYMBOL\w*|MODULE_\w+|TRACE_EVENT\w*|DEFINE_EVENT\w*|DECLARE_\w+|BUILD_BUG\w*|static_assert|module_init|module_exit|\w*_initcall\w*|__setup|early_param|IS_ENABLED|KPATCH_\w+|KLP_\w+)\(/;
const INIT_DATA = /\b(?:__initdata|__initconst|__exitdata|__exit_p|__init_or_module|__net_initdata_or_module)\b/;

/** Hazards 3 and 11: data that is there, new and gone; static variables of functions. */
export const data: Family = (change) => {
  const { path, before, after } = change;
  const found: Finding[] = [];
  for (const [key, now] of after.items) {
    if (!isData(now)) continue;
    const old = before.items.get(key);
    if (old === undefined) found.push(...addedItem(path, now));
    else if (old.canonical !== now.canonical && !INIT_DATA.test(now.canonical)) found.push(changedItem(path, old, now));
  }
  const gone = [...before.items].filter(([key, item]) => isData(item) && !after.items.has(key)).map(([, item]) => item);
  for (const item of gone) found.push(removedItem(path, item));
  return [...found, ...change.functions.flatMap((fn) => staticLocals(change, fn))];
};

/** A parameter of a module is a table that sysfs has read: the old one stays. */
function removedItem(path: string, { name, first }: Item): Finding {
  const place = { path, line: first };
  if (/^(?:module_param|core_param)\w*\(/.test(name))
    return finding('static-data-changed', place, `${name} is removed: the parameter stays as it is`);
  return finding('data-removed', place, `${name} is removed`);
}

function isData({ kind, name, canonical: text }: Item): boolean {
  if (kind === 'macro') return !NOT_DATA.test(name);
  return kind === 'variable' && !/^extern\b/.test(text);
}

function changedItem(path: string, old: Item, now: Item): Finding {
  const [was, is] = [old.text.split('\n'), now.text.split('\n')];
  const at = Math.max(
    0,
    is.findIndex((line, index) => canonical(line) !== canonical(was[index] ?? '')),
  );
  const kind = /_(?:ops|operations)\b|\bops\b/.test(now.canonical)
    ? 'the table of operations'
    : 'the content or type of';
  return finding('static-data-changed', { path, line: now.first + at }, `${kind} ${now.name} changes`);
}

/** Constants are new text of the module, and nobody writes to them. */
function addedItem(path: string, item: Item): Finding[] {
  if (INIT_DATA.test(item.canonical) || isConstant(item.canonical)) return [];
  if (isHeader(path) && item.kind === 'macro') return [];
  return [finding('data-added', { path, line: item.first }, `${item.name} is new data`)];
}

function isConstant(text: string): boolean {
  return /^(?:static )?const\b/.test(text) || /\bconst (?:\* const )?\w+ (?:\[|=)/.test(text.slice(0, 200));
}

interface Local {
  readonly name: string;
  readonly text: string;
}

function localsOf(body: string): Local[] {
  return [...body.matchAll(/(?<=[;{}] )static (?!inline\b)([^;]*?;)/g)].map(([text, rest]) => ({
    name: /(\w+) (?:\[[^\]]*\] )*(?:=|;|,)/.exec(rest!)?.[1] ?? rest!.slice(0, 40),
    text,
  }));
}

function staticLocals({ path }: FileChange, { name, before, after, line }: ChangedFunction): Finding[] {
  if (after === undefined) return [];
  const [was, is] = [localsOf(before?.body ?? ''), localsOf(after.body)];
  const found: Finding[] = [];
  for (const local of is) {
    const old = was.find((one) => one.name === local.name);
    const isFixed = /^static const\b/.test(local.text);
    if (old === undefined && !isFixed)
      found.push(finding('data-added', { path, line }, `${name} gets the static variable ${local.name}`));
    else if (old !== undefined && old.text !== local.text && !isFixed)
      found.push(
        finding('static-data-changed', { path, line }, `the static variable ${local.name} of ${name} changes`),
      );
  }
  const kept = was.filter((local) => !/^static const\b/.test(local.text)).map((local) => local.name);
  if (kept.length > 0)
    found.push(finding('static-local', { path, line }, `${name} changes and has static variables: ${some(kept)}`));
  return found;
}
