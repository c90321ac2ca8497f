/** The one reader of ELF section tables, and who is built on it, on files made by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesOf, ElfError, KernelError, loadedContents, readBuildId } from '#kernel';
import { LivepatchError, modinfo } from '#livepatch';
import { type ElfBytes, ElfTable, readElf64 } from '../../../src/kernel/elf-table.ts';
import { functionNames, loadedSections } from '../../../src/kernel/profile/elf-file.ts';
import { u32 } from '../../../testkit/bytes.ts';
import { type ElfPart, type ElfShape, makeElf, makeSymbols } from '../../../testkit/elf.ts';

const TABLE_AT = 40;
const SIZE_AT = 32;
const SHAPES: readonly ElfShape[] = [true, false].flatMap((wide) =>
  [true, false].flatMap((little) => [true, false].map((extended) => ({ wide, little, extended }))),
);
const BUILD_ID = 'c0ffee00';
const NOTE = Buffer.from([...u32(4), ...u32(4), ...u32(3), ...Buffer.from('GNU\0'), 0xc0, 0xff, 0xee, 0]);

function parts(shape: ElfShape): ElfPart[] {
  const [symbols, names] = makeSymbols(
    [
      { name: 'start', type: 2, section: 1 },
      { name: 'table', type: 1, section: 1 },
      { name: 'elsewhere', type: 2, section: 0 },
      { name: 'chosen', type: 10, section: 1 },
    ],
    shape,
  );
  return [
    { name: '.text', flags: 6, content: Buffer.from('code') },
    { name: '.bss', type: 8, flags: 3, size: 2 ** 30 },
    { name: '.data', flags: 3 },
    { name: '.symtab', type: 2, content: symbols, link: 5, info: 1 },
    { name: '.strtab', type: 3, content: names },
    { name: '.modinfo', flags: 2, content: Buffer.from('name=tiny\0alias=a\0alias=b\0') },
    { name: '.note.gnu.build-id', type: 7, flags: 2, content: NOTE },
  ];
}

/** Fails the test when something is read outside. */
function guarded(elf: Buffer): ElfBytes {
  return {
    size: elf.length,
    read: (offset, size) => {
      assert.ok(offset >= 0 && size >= 0 && offset + size <= elf.length, `read at ${offset}, ${size} bytes`);
      return elf.subarray(offset, offset + size);
    },
  };
}

function everything(elf: Buffer): void {
  const table = new ElfTable(guarded(elf));
  functionNames(table);
  [...loadedSections(table)].map(({ name }) => name);
  for (const { index } of table.sections()) table.content(index);
}

for (const shape of SHAPES)
  test(`sections and functions: ${JSON.stringify(shape)}`, () => {
    const table = new ElfTable(guarded(makeElf(parts(shape), shape)));
    assert.deepEqual([table.wide, table.little, table.type, table.machine], [shape.wide, shape.little, 1, 62]);
    const sections = table.sections();
    assert.deepEqual(
      sections.map(({ name, type }) => `${name} ${type}`),
      [
        ' 0',
        '.text 1',
        '.bss 8',
        '.data 1',
        '.symtab 2',
        '.strtab 3',
        '.modinfo 1',
        '.note.gnu.build-id 7',
        '.shstrtab 3',
      ],
    );
    assert.deepEqual([sections[4]!.link, sections[4]!.info, sections[1]!.flags], [5, 1, 6n]);
    assert.equal(table.content(1).toString(), 'code');
    assert.equal(table.content(2).length, 0);
    assert.deepEqual(
      [...loadedSections(table)].map(({ name, flags, size }) => `${name} ${flags} ${size}`),
      ['.text 6 4', `.bss 3 ${2 ** 30}`, '.modinfo 2 26', '.note.gnu.build-id 2 20'],
    );
    assert.deepEqual(functionNames(table), ['start', 'chosen']);
  });

test('only one kind of file is read where only one is known', () => {
  for (const shape of SHAPES) {
    const elf = makeElf(parts(shape), shape);
    if (shape.wide && shape.little) {
      assert.equal(readElf64(bytesOf(elf)).count, 9);
      assert.equal(readBuildId(bytesOf(elf), 'test'), BUILD_ID);
      assert.deepEqual(
        modinfo(elf, 'test'),
        new Map([
          ['name', ['tiny']],
          ['alias', ['a', 'b']],
        ]),
      );
      assert.equal(loadedContents(elf, 'test').get('.text'), `6 4 ${Buffer.from('code').toString('base64')}`);
      continue;
    }
    assert.throws(() => readElf64(bytesOf(elf)), ElfError);
    assert.throws(() => readBuildId(bytesOf(elf), 'test'), { code: 'build-id-missing' });
    assert.throws(() => modinfo(elf, 'test'), { code: 'module-unreadable' });
    assert.throws(() => loadedContents(elf, 'test'), { code: 'object-unreadable' });
  }
});

/** Where a field of a section header of a 64-bit little-endian file stands. */
function field(elf: Buffer, section: number, at: number): number {
  return Number(elf.readBigUInt64LE(TABLE_AT)) + section * 64 + at;
}

const DAMAGES: readonly [string, RegExp, (elf: Buffer) => unknown][] = [
  ['another magic', /not an ELF/, (elf) => elf.write('ELF', 0)],
  ['neither 32 nor 64 bits', /not an ELF/, (elf) => elf.writeUInt8(3, 4)],
  ['no byte order', /not an ELF/, (elf) => elf.writeUInt8(0, 5)],
  ['no table', /cut off/, (elf) => elf.writeBigUInt64LE(0n, TABLE_AT)],
  ['a table behind the end', /cut off/, (elf) => elf.writeBigUInt64LE(BigInt(elf.length), TABLE_AT)],
  ['a table at 2^64 - 1', /cut off/, (elf) => elf.writeBigUInt64LE(2n ** 64n - 1n, TABLE_AT)],
  ['headers of another size', /not one of ELF/, (elf) => elf.writeUInt16LE(56, 58)],
  ['one section too many', /cut off/, (elf) => elf.writeUInt16LE(10, 60)],
  ['no sections', /not one of ELF/, (elf) => elf.writeUInt16LE(0, 60)],
  ['names that are no section', /not one of ELF/, (elf) => elf.writeUInt16LE(9, 62)],
  ['names behind the end', /outside/, (elf) => elf.writeBigUInt64LE(2n ** 63n, field(elf, 8, 24))],
  ['too long names', /too long/, (elf) => elf.writeBigUInt64LE(2n ** 62n, field(elf, 8, SIZE_AT))],
  ['a name behind the names', /no end/, (elf) => elf.writeUInt32LE(0xffffffff, field(elf, 1, 0))],
  ['a section that is too long', /outside/, (elf) => elf.writeBigUInt64LE(BigInt(elf.length), field(elf, 1, SIZE_AT))],
  ['a section of 2^64 - 1', /outside/, (elf) => elf.writeBigUInt64LE(2n ** 64n - 1n, field(elf, 1, SIZE_AT))],
];

for (const [what, message, damage] of DAMAGES)
  test(`refused: ${what}`, () => {
    const elf = makeElf(parts({}));
    damage(elf);
    assert.throws(
      () => everything(elf),
      (error: unknown) => error instanceof ElfError && message.test(error.message),
    );
    assert.throws(() => modinfo(elf, 'test'), { code: 'module-unreadable' });
    assert.throws(() => loadedContents(elf, 'test'), { code: 'object-unreadable' });
  });

test('refused: more sections than any file has, a name without an end, symbols without names', () => {
  const many = makeElf(parts({ extended: true }), { extended: true });
  many.writeBigUInt64LE(200_001n, field(many, 0, SIZE_AT));
  assert.throws(() => everything(many), /not one of ELF/);
  assert.throws(() => everything(makeElf([{ name: 'x'.repeat(1_024) }])), /no end/);
  assert.equal(new ElfTable(guarded(makeElf([{ name: 'x'.repeat(1_023) }]))).nameOf(1).length, 1_023);
  const unnamed = makeElf([{ name: '.symtab', type: 2, link: 77, content: Buffer.alloc(24) }]);
  assert.equal(functionNames(new ElfTable(guarded(unnamed))), undefined);
  assert.throws(() => loadedContents(unnamed, 'test'), { code: 'object-unreadable' });
});

test('symbols whose names stand before them', () => {
  const [symbols, names] = makeSymbols([{ name: 'start', type: 2, section: 1 }]);
  const elf = makeElf([
    { name: '.strtab', type: 3, content: names },
    { name: '.symtab', type: 2, content: symbols, link: 1 },
    { name: '.text', content: Buffer.alloc(64, 'x') },
  ]);
  assert.deepEqual(functionNames(new ElfTable(guarded(elf))), ['start']);
});

test('a file that is cut off anywhere is refused', () => {
  for (const shape of SHAPES) {
    const elf = makeElf(parts(shape), shape);
    for (let size = 0; size < elf.length; size += 1)
      assert.throws(() => everything(elf.subarray(0, size)), ElfError, `${size} bytes`);
  }
});

test('a file without section names is read', () => {
  const elf = makeElf(parts({}));
  elf.writeUInt16LE(0, 62);
  for (let i = 1; i < 9; i += 1) elf.writeUInt32LE(0, field(elf, i, 0));
  assert.equal(new ElfTable(guarded(elf)).nameOf(1), '');
  assert.equal(readBuildId(bytesOf(elf), 'test'), BUILD_ID);
});

test('changed bytes: nothing is read outside, and nothing but the one error of each reader is thrown', () => {
  const byte = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.integer({ min: 0, max: 255 }));
  const change = fc.record({
    // Most of the bytes that matter are those of the header and of the table at the end.
    at: fc.oneof(fc.integer({ min: 0, max: 63 }), fc.integer({ min: -640, max: -1 }), fc.nat(2_000)),
    bytes: fc.array(byte, { minLength: 1, maxLength: 9 }),
  });
  fc.assert(
    fc.property(fc.constantFrom(...SHAPES), fc.array(change, { minLength: 1, maxLength: 8 }), (shape, changes) => {
      const elf = makeElf(parts(shape), shape);
      for (const { at, bytes } of changes)
        for (const [i, value] of bytes.entries()) elf[(((at + i) % elf.length) + elf.length) % elf.length] = value;
      only(
        (error) => error instanceof ElfError,
        () => everything(elf),
      );
      only(
        (error) => code(error) === 'build-id-missing',
        () => readBuildId(bytesOf(elf), 'test'),
      );
      only(
        (error) => code(error) === 'object-unreadable',
        () => loadedContents(elf, 'test'),
      );
      only(
        (error) => code(error) === 'module-unreadable',
        () => modinfo(elf, 'test'),
      );
    }),
    { numRuns: 3_000 },
  );
});

function code(error: unknown): string | undefined {
  return error instanceof KernelError || error instanceof LivepatchError ? error.code : undefined;
}

function only(expected: (error: unknown) => boolean, act: () => unknown): void {
  try {
    act();
  } catch (error) {
    assert.ok(expected(error), String((error as Error).stack));
  }
}
