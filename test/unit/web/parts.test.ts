import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { treeOf } from '../../../src/web/pages/map-tree.ts';
import { csvOf } from '../../../src/web/parts/csv.ts';

/** RFC 4180, read by its own words. */
function parse(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    rows.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === '\r\n') rows.push([]);
    if (end === '') break;
  }
  return rows.slice(0, -1);
}

test('whatever a text holds comes back from the CSV, and never begins like a formula', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ a: fc.string(), b: fc.string() }), { minLength: 1 }), (rows) => {
      const [names, ...lines] = parse(csvOf(rows));
      assert.deepEqual(names, ['a', 'b']);
      assert.equal(lines.length, rows.length);
      for (const [i, line] of lines.entries())
        for (const [j, cell] of line.entries()) {
          const text = Object.values(rows[i]!)[j]!;
          assert.doesNotMatch(cell, /^[=+\-@\t\r]/);
          assert.ok(cell === text || cell === `'${text}`);
        }
    }),
  );
});

test('numbers stay numbers, nothing stays nothing, lists of words are words', () => {
  const rows = [{ score: -1, none: null, list: ['a', 'b'], yes: true }];
  assert.equal(csvOf(rows), 'score,none,list,yes\r\n-1,,a b,true\r\n');
});

test('folders nest by their paths', () => {
  const folder = (path: string) => ({ path, files: 1, affected: 0, open: 0 });
  const [net, top] = treeOf([folder('net'), folder('net/ipv4'), folder('net/ipv4/netfilter'), folder('(top)')]);
  assert.equal(net?.children[0]?.children[0]?.name, 'net/ipv4/netfilter');
  assert.deepEqual(top?.children, []);
});
