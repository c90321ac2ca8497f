import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallerStreams, LineReader, type LogLine, type Transport } from '#klog';
import { assertContains } from '../../../testkit/contains.ts';
import { corpus } from '../../../testkit/corpus.ts';

function read(input: Uint8Array | string, starts: readonly string[] | null = null, transport?: Transport): LogLine[] {
  const all: LogLine[] = [];
  const onLine = (line: LogLine): boolean => all.push(line) < 0;
  const reader = new LineReader({ starts, onLine, ...(transport === undefined ? {} : { transport }) });
  reader.push(typeof input === 'string' ? Buffer.from(input) : input);
  reader.end();
  return all;
}

for (const { name, input, expected } of corpus('kernel-lines')) {
  test(`kernel lines ${name}`, () => {
    const {
      starts = null,
      transport,
      lines,
    } = expected as {
      starts?: string[];
      transport?: Transport;
      lines: Partial<LogLine>[];
    };
    assertContains(read(input, starts, transport), lines);
  });
}

function line(number: number, caller: string | null): LogLine {
  return { number, text: 'x', time: null, level: null, caller, fromKernel: true, rest: false };
}

test('lines of each caller are gathered apart, and a silent one is ended when there are too many', () => {
  const ended: string[] = [];
  const streams = new CallerStreams<{ caller: string | null; lines: number[] }>(
    (caller) => ({ caller, lines: [] }),
    ({ caller, lines }) => ended.push(`${caller}: ${lines.join(' ')}`),
  );
  for (const [i, caller] of ['T1', 'C0', 'T1', null, 'C0', 'T1'].entries()) streams.of(line(i, caller)).lines.push(i);
  assert.deepEqual(
    [...streams.values()].map(({ lines }) => lines),
    [[3], [1, 4], [0, 2, 5]],
  );
  for (let i = 0; i < 62; i += 1) streams.of(line(100 + i, `T${100 + i}`));
  assert.deepEqual(ended, ['null: 3']);
  streams.drop('C0');
  streams.drop('C0');
  assert.deepEqual(ended, ['null: 3', 'C0: 1 4']);
  streams.end();
  assert.equal(ended.length, 65);
  assert.deepEqual([...streams.values()], []);
});

test('of ordinary lines only the two before a candidate are made, and those after it while they are wanted', () => {
  const seen: number[] = [];
  let wanted = 0;
  const reader = new LineReader({
    starts: ['BUG: '],
    onLine: ({ number, text }) => {
      seen.push(number);
      wanted = text.startsWith('BUG: ') ? 3 : Math.max(0, wanted - 1);
      return wanted > 0;
    },
  });
  for (let i = 1; i <= 300; i += 1) {
    const text = i === 5 || i === 200 ? 'BUG: x' : 'usb 1-1: new device';
    reader.push(Buffer.from(`[${i}.000000] ${text}\n`));
  }
  reader.end();
  assert.deepEqual(seen, [3, 4, 5, 6, 7, 8, 198, 199, 200, 201, 202, 203]);
});

test('a line of megabytes is cut, said so, and costs no memory beyond it', () => {
  const seen: LogLine[] = [];
  const reader = new LineReader({ starts: null, transport: 'console', onLine: (item) => seen.push(item) < 0 });
  reader.push(Buffer.from('[1.000000] a\n[2.000000] '));
  for (let i = 0; i < 64; i += 1) reader.push(Buffer.alloc(64 * 1024, 'x'));
  reader.push(Buffer.concat([Buffer.from(' end\n'), Buffer.alloc(80_000, 'y'), Buffer.from('\n[4.000000] b\n')]));
  reader.end();
  assert.equal(reader.cut, 2);
  assert.deepEqual(
    seen.map(({ number, text }) => [number, text.length]),
    [
      [1, 1],
      [2, 64 * 1024 - '[2.000000] '.length],
      [3, 64 * 1024],
      [4, 1],
    ],
  );
});

test('a live stream is not held back where the transport is given, and is flushed where it is not', () => {
  const seen: string[] = [];
  const onLine = ({ text }: LogLine): boolean => seen.push(text) < 0;
  const given = new LineReader({ starts: null, transport: 'kmsg', onLine });
  given.push(Buffer.from('6,1,1000000,-;one\n6,2,2000000,-;half of a'));
  assert.deepEqual(seen, ['one']);
  const told = new LineReader({ starts: null, onLine });
  told.push(Buffer.from('6,1,1000000,-;two\n6,2,2000000,-;half of a'));
  assert.deepEqual(seen, ['one']);
  told.flush();
  assert.deepEqual(seen, ['one', 'two']);
});

test('a literal of one letter is refused', () => {
  assert.throws(() => read('x', ['B']), TypeError);
});
