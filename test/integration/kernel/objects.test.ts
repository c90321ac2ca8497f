/** Built objects read from files: whatever lies between, what is read by place is what stands there. */
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ElfError } from '#kernel';
import { ObjectBytes } from '../../../src/kernel/profile/elf-file.ts';
import { NOTHING, readObject } from '../../../src/kernel/profile/object-facts.ts';
import { type ElfPart, makeElf, makeSymbols } from '../../../testkit/elf.ts';
import { scratch } from '../../../testkit/scratch.ts';

const FACTS = { initOnly: true, functions: ['setup', 'teardown'] };

/** An object of init code, with as much debug information before and behind its symbols. */
function object(before: number, behind: number, wide: boolean): Buffer {
  const shape = { wide, little: wide };
  const functions = ['teardown', 'setup.cold', 'setup', '__pfx_setup'];
  const [symbols, names] = makeSymbols(
    functions.map((name) => ({ name, type: 2, section: 2 })),
    shape,
  );
  const parts: ElfPart[] = [
    { name: '.debug_info', content: Buffer.alloc(before, 'd') },
    { name: '.init.text', flags: 6, content: Buffer.from('code') },
    { name: '.symtab', type: 2, content: symbols, link: 4 },
    { name: '.strtab', type: 3, content: names },
    { name: '.rela.debug_info', type: 4, content: Buffer.alloc(behind, 'r') },
  ];
  return makeElf(parts, shape);
}

test('objects of all sizes, symbols near to the section headers and far from them', async () => {
  const path = join(await scratch(), 'a.o');
  for (const wide of [true, false])
    for (const before of [0, 7_000, 8_000, 8_192, 100_000])
      for (const behind of [0, 7_500, 8_192, 100_000]) {
        await writeFile(path, object(before, behind, wide));
        assert.deepEqual(readObject(path, 'a.c'), FACTS, `${before} ${behind} ${wide}`);
        assert.deepEqual(readObject(path, 'a.S'), { ...FACTS, functions: [] });
      }
});

test('nothing is said of an object that is cut off, of link-time optimisation, or no object', async () => {
  const path = join(await scratch(), 'a.o');
  for (const behind of [0, 100_000]) {
    const whole = object(100, behind, true);
    for (const cut of [1, 64, 400, whole.length]) {
      await writeFile(path, whole);
      await truncate(path, whole.length - cut);
      assert.deepEqual(readObject(path, 'a.c'), NOTHING, `${cut} bytes are missing`);
    }
  }
  await writeFile(path, makeElf([{ name: '.init.text', flags: 6 }, { name: '.gnu.lto_.decls' }]));
  assert.deepEqual(readObject(path, 'a.c'), NOTHING);
  await writeFile(path, Buffer.from('BC\xc0\xde'.repeat(100), 'latin1'));
  assert.deepEqual(readObject(path, 'a.c'), NOTHING);
});

test('symbols that share one endless name, or many long ones, cost no memory', async () => {
  const path = join(await scratch(), 'a.o');
  const long = 'n'.repeat(1_000);
  for (const name of [long, 'n'.repeat(600_000)]) {
    const entry = makeSymbols([{ name, type: 2, section: 1 }])[0].subarray(24);
    const content = Buffer.concat(Array.from({ length: 100_000 }, () => entry));
    const names = Buffer.from(`\0${name}\0`);
    const code: ElfPart = { name: '.init.text', flags: 6, content: Buffer.from('code') };
    const symbols: ElfPart = { name: '.symtab', type: 2, content, link: 3 };
    await writeFile(path, makeElf([code, symbols, { name: '.strtab', type: 3, content: names }]));
    assert.deepEqual(readObject(path, 'a.c'), NOTHING);
  }
  assert.deepEqual(readObject(`${path}\0`, 'a.c'), NOTHING);
  assert.deepEqual(readObject(`/${'x/'.repeat(5_000)}`, 'a.c'), NOTHING);
});

test('reads in any order give the bytes that stand there', async () => {
  const path = join(await scratch(), 'bytes');
  const place = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(20_000));
  const places = fc.array(place, { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(64, 5_000, 8_192, 8_193, 50_000), places, async (length, wanted) => {
      const whole = Buffer.from(Array.from({ length }, (_, i) => (i * 31) ^ (i >> 8)));
      await writeFile(path, whole);
      const file = openSync(path, 'r');
      try {
        const bytes = new ObjectBytes(file, length);
        const got = wanted.map(([from, atMost]) => {
          const offset = Math.floor(from * length);
          const size = Math.min(atMost, length - offset);
          return [bytes.read(offset, size), whole.subarray(offset, offset + size)] as const;
        });
        // Compared at the end: a later read must not change what an earlier one gave.
        for (const [found, expected] of got) assert.ok(found.equals(expected));
        assert.throws(() => new ObjectBytes(file, length + 9_000).read(length, 8_500), ElfError);
      } finally {
        closeSync(file);
      }
    }),
    { numRuns: 200 },
  );
});
