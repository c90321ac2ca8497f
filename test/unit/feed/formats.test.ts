/** What others read: CSV (RFC 4180) and OSV. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { csvLine } from '#feed';

/** Reads one line of RFC 4180, section 2. */
function readLine(text: string): string[] {
  const cells: string[] = [];
  for (let rest = `,${text.replace(/\r\n$/, '')}`; rest !== ''; ) {
    const [all, quoted, plain] = /^,(?:"((?:[^"]|"")*)"|([^,"]*))/.exec(rest)!;
    cells.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    rest = rest.slice(all.length);
  }
  return cells;
}

test('a cell comes back as it was, and no cell of hostile text is a formula', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 2, maxLength: 5 }), (cells) => {
      const back = readLine(csvLine(cells));
      assert.equal(back.length, cells.length);
      for (const [i, cell] of back.entries()) {
        assert.ok(cell === cells[i] || cell === `'${cells[i]}`, JSON.stringify([cell, cells[i]]));
        assert.ok(!/^[=+@\t\r]/.test(cell), JSON.stringify(cell));
      }
    }),
  );
});
