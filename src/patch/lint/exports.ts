import type { FileChange } from './change.ts';
import { type Finding, finding } from './finding.ts';
import { type Family, isHeader, type Surroundings } from './surroundings.ts';

const EXPORT = /^(EXPORT_\w*SYMBOL\w*)\(\s*(\w+)/;

/** Hazards 19 and 20: exports, and parameters of functions. */
export const exports: Family = (change, around) => {
  const found: Finding[] = [];
  const [was, is] = [exportsOf(change.before), exportsOf(change.after)];
  for (const [name, { macro, line }] of is) {
    if (was.has(name) || isExportedElsewhere(name, change, around)) continue;
    const place = { path: change.path, line };
    found.push(finding('export-added', place, `${name} is exported`));
    if (/_NS/.test(macro)) found.push(finding('export-namespace', place, `${name} is exported into a namespace`));
  }
  for (const [name, { line }] of was)
    if (!is.has(name) && !isExportedAfter(name, change, around))
      found.push(finding('export-changed', { path: change.path, line }, `${name} is no longer exported`));
  return [...found, ...signatures(change, was, around)];
};

function exportsOf({ items }: FileChange['before']): Map<string, { macro: string; line: number }> {
  const found = new Map<string, { macro: string; line: number }>();
  for (const { kind, name, first } of items.values()) {
    const match = kind === 'macro' ? EXPORT.exec(name) : null;
    if (match !== null) found.set(match[2]!, { macro: match[1]!, line: first });
  }
  return found;
}

function signatures(change: FileChange, exported: ReadonlyMap<string, unknown>, around: Surroundings): Finding[] {
  const { path, functions } = change;
  return functions.flatMap(({ name, before, after, line }) => {
    if (before === undefined || after === undefined || isHeader(path)) return [];
    if (signatureOf(before.head) === signatureOf(after.head)) return [];
    if (exported.has(name) || isExportedElsewhere(name, change, around))
      return [
        finding('export-changed', { path, line }, `${name} is exported and gets other parameters or another result`),
      ];
    return [finding('signature-changed', { path, line }, `${name} gets other parameters or another result`)];
  });
}

/** Moved to another file of the patch with its function. */
function isExportedAfter(name: string, change: FileChange, { changes }: Surroundings): boolean {
  return changes.some((other) => other !== change && exportsOf(other.after).has(name));
}

function isExportedElsewhere(name: string, change: FileChange, { changes }: Surroundings): boolean {
  return changes.some((other) => other !== change && exportsOf(other.before).has(name));
}

/** Types only: names of parameters, and who may call it, change nothing for callers. */
function signatureOf(head: string): string {
  const [, result, parameters] = /^([^(]*)\((.*)\)/.exec(head) ?? [];
  if (parameters === undefined) return head;
  const types = splitTop(parameters).map((part) =>
    part
      .replace(/\b(?:const|__user|__rcu|__maybe_unused|__always_unused|struct|enum|union)\b/g, '')
      .replace(/(?<=[\w*\]] )\w+(?= *(?:\[|$))/, '')
      .replace(/\s+/g, ' ')
      .trim(),
  );
  return `${result!
    .replace(
      /\b(?:static|inline|noinline\w*|__always_inline|__init|__exit|extern|const|__maybe_unused|__must_check)\b/g,
      '',
    )
    .replace(/\s+/g, ' ')
    .trim()} (${types.join(', ')})`;
}

function splitTop(parameters: string): string[] {
  const parts: string[] = [];
  let [depth, part] = [0, ''];
  for (const char of parameters) {
    if (char === '(') depth += 1;
    if (char === ')') depth -= 1;
    if (char === ',' && depth === 0) {
      parts.push(part.trim());
      part = '';
    } else part += char;
  }
  return [...parts, part.trim()];
}
