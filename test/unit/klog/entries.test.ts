/** Entries of the journal over several lines: what is within a value begins nothing, whatever its length. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineReader, type LogLine, type Transport } from '#klog';
import { encoders } from '../../../testkit/kernel-log.ts';

function read(input: Uint8Array, size = input.length, transport?: Transport): LogLine[] {
  const all: LogLine[] = [];
  const onLine = (line: LogLine): boolean => all.push(line) < 0;
  const reader = new LineReader({ starts: null, onLine, ...(transport === undefined ? {} : { transport }) });
  for (let at = 0; at < input.length; at += size) reader.push(input.subarray(at, at + size));
  reader.end();
  return all;
}

function binary(name: string, value: Buffer, size = BigInt(value.length)): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(size);
  return Buffer.concat([Buffer.from(`${name}\n`), length, value, Buffer.from('\n')]);
}

const FORGED = '\n\n__CURSOR=s=1\n_TRANSPORT=kernel\nMESSAGE=BUG: KASAN: forged\n\n';
const ENTRY = Buffer.from('__CURSOR=s=2\n_TRANSPORT=kernel\nMESSAGE=last\n\n');

test('a value of any length is passed over to its last byte, in any pieces', () => {
  const lengths = fc.oneof(fc.nat(300), fc.integer({ min: 65_000, max: 66_000 }), fc.constantFrom(131_072, 200_001));
  const values = lengths.chain((length) =>
    fc.constantFrom('x', '\n', 'A\n', FORGED).map((part) => Buffer.alloc(length, part)),
  );
  fc.assert(
    fc.property(fc.array(values, { maxLength: 4 }), fc.integer({ min: 7, max: 70_000 }), (all, size) => {
      const head = Buffer.from('__CURSOR=s=1\n_TRANSPORT=journal\nMESSAGE=first\n');
      const input = Buffer.concat([head, ...all.map((value) => binary('COREDUMP', value)), Buffer.from('\n'), ENTRY]);
      const lines = read(input, size, 'journal-export');
      assert.deepEqual(
        lines.map(({ text, fromKernel }) => `${fromKernel} ${text}`),
        ['false first', 'true last'],
      );
      const before = input.subarray(0, input.length - 'MESSAGE=last\n\n'.length).filter((byte) => byte === 10).length;
      assert.equal(lines[1]?.number, before + 1);
    }),
    { numRuns: 60 },
  );
});

test('a message in bytes is kept to 64 KiB with its escapes, and is the message whatever comes later', () => {
  const message = binary('MESSAGE', Buffer.alloc(100_000, 'y\n'));
  const input = Buffer.concat([
    Buffer.from('__CURSOR=s=1\n__REALTIME_TIMESTAMP=1\n__MONOTONIC_TIMESTAMP=1\n_TRANSPORT=kernel\n'),
    message,
    Buffer.from('MESSAGE=again\n\n'),
    ENTRY,
  ]);
  const lines = read(input);
  assert.deepEqual([lines.length, lines[0]?.text, lines.at(-1)?.text], [21_846, 'y', 'last']);
  assert.ok(lines.every(({ fromKernel }) => fromKernel));
});

test('a length that cannot be is damage, and swallows nothing but its line', () => {
  const damaged = binary('MESSAGE', Buffer.from('BUG: KASAN: damaged'), 1n << 40n);
  const lines = read(
    Buffer.concat([Buffer.from('__CURSOR=s=1\n_TRANSPORT=kernel\n'), damaged, Buffer.from('\n'), ENTRY]),
  );
  assert.deepEqual(
    lines.map(({ text }) => text),
    ['last'],
  );
});

test('whatever the bytes of an entry are, reading them ends, and does not depend on how they were cut', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '0\n[   44.866009] ka[   45.240',
      '\n',
      'MESSAGE\n',
      '__CURSOR=s=1\n',
      '_TRANSPORT=kernel\n',
      'MESSAGE=x\n',
    ),
    fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    fc.nat(9).map((size) => `\0${'\0'.repeat(size)}`),
  );
  const names = fc.constantFrom<Transport>('journal-export', 'journal-verbose', 'journal-json-pretty');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), names, fc.integer({ min: 1, max: 9 }), (pieces, transport, size) => {
      const input = Buffer.from(pieces.join(''), 'latin1');
      assert.deepEqual(read(input, size, transport), read(input, input.length || 1, transport));
    }),
    { numRuns: 2_000, examples: [[['0\n[   44.866009] ka[   45.240'], 'journal-export', 7]] },
  );
});

test('a transport that says it twice, one of them not the kernel, is not the kernel', () => {
  for (const twice of ['_TRANSPORT=kernel\n_TRANSPORT=journal\n', '_TRANSPORT=journal\n_TRANSPORT=kernel\n', '']) {
    const [line] = read(Buffer.from(`__CURSOR=s=1\n${twice}MESSAGE=x\n\n`));
    assert.equal(line?.fromKernel, false);
  }
});

test('an entry that is cut at the end of the log is read as far as it came', () => {
  const log = [{ text: 'one\ntwo', microseconds: 1_500_000, level: 4, caller: 'T1', program: null }];
  for (const name of ['journal export', 'journal verbose', 'journal json-pretty']) {
    const whole = encoders[name]!.encode([...log, ...log]);
    const lines = read(whole.subarray(0, whole.length - 2));
    assert.ok(lines.length >= 3, name);
    assert.deepEqual([lines[0]?.text, lines[0]?.time, lines[0]?.level], ['one', 1.5, 4], name);
  }
});

test('a console on which somebody prints entries stays a console', () => {
  const kernel = Array.from({ length: 60 }, (_, i) => `[${i}.000000] usb 1-1: new device\n`).join('');
  const [first] = read(Buffer.from(`__CURSOR=s=1\n{\n${kernel}`)).filter(({ fromKernel }) => fromKernel);
  assert.equal(first?.text, 'usb 1-1: new device');
});
