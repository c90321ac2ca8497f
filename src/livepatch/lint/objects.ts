import { readFile } from 'node:fs/promises';
import { hasCode, messageOf } from '#domain';
import { objectParts, readTypeLayouts } from '#kernel';
import { type Finding, finding } from '#patch';
import { dataFindings } from './data.ts';
import { type FunctionOptions, functionFindings } from './functions.ts';
import { layoutFindings } from './layouts.ts';

/** One object compiled without and with the patch: paths, or the bytes. */
export interface ObjectPair {
  /** As the profile names it: `fs/eventpoll.o`. */
  readonly object: string;
  readonly before: Buffer | string;
  readonly after: Buffer | string;
  /** The same two with debug information, where `before` and `after` have none. */
  readonly debug?: { readonly before: Buffer | string; readonly after: Buffer | string } | undefined;
}

export interface ObjectLintOptions extends FunctionOptions {
  /** Compare the types, too; not needed for a diff that changes nothing outside functions (`namedChange`). */
  readonly types: boolean;
}

const ORDER = { block: 0, 'two-approvals': 1, note: 2 } as const;

/**
 * Looks for hazards in pairs of objects, both compiled with `-ffunction-sections -fdata-sections` and the flags of the kernel, and
 * for the types with `-g`: layouts of types, data, sections and tracer calls of changed functions. The gravest findings come first; a type
 * that several objects have is told once. Errors: object-unreadable, and those of reading a file.
 */
export async function lintObjects(pairs: readonly ObjectPair[], options: ObjectLintOptions): Promise<Finding[]> {
  const found: Finding[] = [];
  const told = new Set<string>();
  for (const pair of pairs) {
    for (const one of await lintPair(pair, options)) {
      const key = `${one.code} ${one.what}`;
      if (one.hazard === 1 && told.has(key)) continue;
      told.add(key);
      found.push(one);
    }
  }
  return found.toSorted((a, b) => ORDER[a.level] - ORDER[b.level]);
}

async function lintPair(pair: ObjectPair, options: ObjectLintOptions): Promise<Finding[]> {
  const { object, before, after } = pair;
  const [old, now] = [await bytesOf(before), await bytesOf(after)];
  if (old.equals(now) && pair.debug === undefined) return [];
  const [was, is] = [objectParts(old, object), objectParts(now, object)];
  return [
    ...(options.types ? await typeFindings(pair) : []),
    ...dataFindings(object, was.data, is.data),
    ...functionFindings(object, was.functions, is.functions, options),
  ];
}

/** Types that cannot be read are a finding: silence would say that no layout changes. */
async function typeFindings({ object, before, after, debug }: ObjectPair): Promise<Finding[]> {
  const place = { path: object, line: null };
  try {
    const [old, now] = [await bytesOf(debug?.before ?? before), await bytesOf(debug?.after ?? after)];
    const [was, is] = [await readTypeLayouts(old, object), await readTypeLayouts(now, object)];
    if (was !== null && is !== null) return layoutFindings(object, was, is);
    return [finding('object-types-unread', place, `${object} has no debug information`)];
  } catch (error) {
    if (!hasCode(error, 'debug-info-unreadable')) throw error;
    return [finding('object-types-unread', place, `the types of ${object} cannot be read: ${messageOf(error)}`)];
  }
}

async function bytesOf(object: Buffer | string): Promise<Buffer> {
  return typeof object === 'string' ? readFile(object) : object;
}
