/** The reader of debug information on bytes made by hand, as the DWARF standards lay them out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '#domain';
import { readAbbreviations } from '../../../src/kernel/debug-info/abbreviations.ts';
import { readLineFiles } from '../../../src/kernel/debug-info/line-table.ts';
import { Reader } from '../../../src/kernel/debug-info/reader.ts';
import { Strings } from '../../../src/kernel/debug-info/sections.ts';
import { readUnitHeaders } from '../../../src/kernel/debug-info/units.ts';
import { text, u16, u32, u64 } from '../../../testkit/bytes.ts';

const unreadable = { code: 'debug-info-unreadable' };
const encoding = { version: 5, offsetBytes: 4, addressBytes: 8 };

function reader(...bytes: number[]): Reader {
  return new Reader(Buffer.from(bytes), 'test');
}

test('unsigned LEB128: the examples of DWARF 5, figure 7.1, and the ends of what is exact', () => {
  const examples: [number[], number][] = [
    [[2], 2],
    [[127], 127],
    [[0x80, 1], 128],
    [[0x81, 1], 129],
    [[0xb9, 0x64], 12857],
    [[0x80, 0x80, 0], 0],
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f], Number.MAX_SAFE_INTEGER],
    [[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1], Infinity],
  ];
  for (const [bytes, value] of examples) assert.equal(reader(...bytes).uleb(), value);
  assert.throws(() => reader(0x80, 0x80).uleb(), unreadable);
  assert.equal(reader(...Array.from({ length: 400 }, () => 0xff), 1).uleb(), Infinity);
});

test('nothing is read outside the bytes, whatever the number', () => {
  assert.throws(() => reader(1, 2, 3).u32(), unreadable);
  assert.throws(() => reader(...Buffer.from('no end')).string(), unreadable);
  for (const count of [4, -1, Infinity, Number.NaN]) assert.throws(() => reader(1, 2, 3).skip(count), unreadable);
  assert.throws(() => new Reader(Buffer.alloc(4), 'test', 5), unreadable);
  assert.equal(reader(255, 255, 255, 255, 255, 255, 255, 255).u64(), Infinity);
  assert.throws(() => reader(...u32(0xfffffff5)).initialLength(), unreadable);
  assert.deepEqual(reader(...u32(0xffffffff), ...u64(77)).initialLength(), { length: 77, offsetBytes: 8 });
});

test('abbreviations: what is fixed, where the sibling stands, constants', () => {
  const fixed = [1, 0x34, 1, 0x03, 0x0e, 0x01, 0x13, 0x3a, 0x21, 7, 0, 0];
  const varying = [2, 0x2e, 0, 0x03, 0x08, 0x01, 0x13, 0, 0];
  const table = readAbbreviations(reader(...fixed, ...varying, 0), encoding);
  assert.deepEqual(
    [...table].map(([code, { tag, hasChildren, fixedBytes, siblingAt }]) => [
      code,
      tag,
      hasChildren,
      fixedBytes,
      siblingAt,
    ]),
    [
      [1, 0x34, true, 8, 4],
      [2, 0x2e, false, -1, -1],
    ],
  );
  assert.equal(table.get(1)?.attributes[2]?.constant, 7);
  assert.throws(() => readAbbreviations(reader(...fixed), encoding), unreadable, 'no end');
});

const noTexts = { strings: new Strings(Buffer.alloc(0), ''), lineStrings: new Strings(Buffer.alloc(0), '') };
const OPCODES = [13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];

/** A line table of a version: header up to the lists, the lists, and a byte of program. */
function lineTable(version: number, lists: number[], wide = false): Buffer {
  const offset = wide ? u64 : u32;
  const head = [1, ...(version >= 4 ? [1] : []), 1, 251, 14, ...OPCODES];
  const header = [...head, ...lists];
  const body = [...u16(version), ...(version >= 5 ? [8, 0] : []), ...offset(header.length), ...header, 0];
  return Buffer.from([...(wide ? u32(0xffffffff) : []), ...offset(body.length), ...body]);
}

const oldLists = [
  ...[...text('include/linux'), ...text('/usr/include'), 0],
  ...[...text('fork.c'), 0, 0, 0, ...text('sched.h'), 1, 0x80, 1, 0, ...text('stdarg.h'), 2, 0, 0, 0],
];
const files = [
  { directory: '', name: 'fork.c' },
  { directory: 'include/linux', name: 'sched.h' },
  { directory: '/usr/include', name: 'stdarg.h' },
];

for (const version of [2, 3, 4])
  for (const wide of [false, true])
    test(`line table of version ${version}${wide ? ', 64-bit' : ''}`, () => {
      assert.deepEqual(readLineFiles(lineTable(version, oldLists, wide), 0, noTexts, 'test'), files);
    });

for (const wide of [false, true])
  test(`line table of version 5${wide ? ', 64-bit' : ''}: names in .debug_line_str and in place, with a checksum`, () => {
    const lineStrings = new Strings(Buffer.from([...text('/build'), ...text('include/linux')]), 'test');
    const offset = wide ? u64 : u32;
    const directories = [1, 1, 0x1f, 2, ...offset(0), ...offset(7)];
    const sum = Array.from({ length: 16 }, () => 9);
    const entries = [3, 1, 0x08, 2, 0x0b, 5, 0x1e, 2, ...text('fork.c'), 0, ...sum, ...text('sched.h'), 1, ...sum];
    const table = lineTable(5, [...directories, ...entries], wide);
    assert.deepEqual(readLineFiles(table, 0, { ...noTexts, lineStrings }, 'test'), files.slice(0, 2));
  });

test('line tables that cannot be are refused, and none costs more than its bytes', () => {
  const bad: [string, Buffer][] = [
    ['a version of tomorrow', lineTable(6, oldLists)],
    ['a directory that is not there', lineTable(4, [0, ...text('a.c'), 3, 0, 0, 0])],
    ['more entries than bytes', lineTable(5, [1, 1, 0x08, 0xff, 0xff, 0xff, 0xff, 0x7f, ...text('a')])],
    ['entries of nothing', lineTable(5, [0, 0xff, 0xff, 0xff, 0x7f])],
    ['no end', lineTable(4, [...text('include')])],
  ];
  for (const [what, bytes] of bad) assert.throws(() => readLineFiles(bytes, 0, noTexts, 'test'), unreadable, what);
  assert.throws(() => readLineFiles(lineTable(4, oldLists).subarray(0, 40), 0, noTexts, 'test'), unreadable);
});

test('unit headers of each version; one that cannot be believed ends the list, and says so', () => {
  const unit = (body: number[]): number[] => [...u32(body.length), ...body];
  const five = unit([...u16(5), 1, 8, ...u32(3), 0]);
  const typeUnit = unit([...u16(5), 2, 8, ...u32(3), ...u64(1), ...u32(4), 0]);
  const four = unit([...u16(4), ...u32(9), 8, 0]);
  const future = unit([...u16(6), 1, 2, 3]);
  const wide = [...u32(0xffffffff), ...u64(12), ...u16(4), ...u64(5), 8, 0];
  const info = Buffer.from([...five, ...typeUnit, ...four, ...future, ...wide]);
  const { units, broken, foreign } = readUnitHeaders(info, 'test');
  assert.deepEqual(
    units.map(({ version, type, abbreviationsAt, offsetBytes }) => [version, type, abbreviationsAt, offsetBytes]),
    [
      [5, 1, 3, 4],
      [5, 2, 3, 4],
      [4, 1, 9, 4],
      [4, 1, 5, 8],
    ],
  );
  assert.equal(broken, null);
  assert.equal(foreign.length, 1);
  const cut = readUnitHeaders(info.subarray(0, info.length - 1), 'test');
  assert.equal(cut.units.length, 3);
  assert.match(cut.broken ?? '', /outside the section/);
});

test('any bytes at all: a result or debug-info-unreadable', () => {
  const attempts = (bytes: Buffer): (() => unknown)[] => [
    () => readLineFiles(bytes, 0, noTexts, 'test'),
    () => readAbbreviations(new Reader(bytes, 'test'), encoding),
    () => readUnitHeaders(bytes, 'test'),
  ];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(2, 3, 4, 5), (bytes, version) => {
      for (const all of [Buffer.from(bytes), lineTable(version, [...bytes])])
        for (const attempt of attempts(all)) {
          try {
            attempt();
          } catch (error) {
            if (!hasCode(error, 'debug-info-unreadable')) throw error;
          }
        }
    }),
    { numRuns: 2_000 },
  );
});
