import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineReader, type LogLine, type ReaderOptions, type Transport, transports } from '#klog';
import { type Encoder, encoders, type Printed } from '../../../testkit/kernel-log.ts';

const STARTS = ['BUG:', 'WARNING:', 'INFO: ', 'Oops', 'kernel BUG at', 'livepatch:'];
const TEXTS = [
  'BUG: KASAN: slab-use-after-free in sample_read+0x12/0x40 [tuxtape_sample]',
  '------------[ cut here ]------------',
  'WARNING: CPU: 1 PID: 99 at net/core/sample.c:12 sample+0x1/0x2',
  'usb 1-1: new high-speed USB device number 2 using xhci_hcd',
  ' sample_read+0x12/0x40 [tuxtape_sample]',
  "livepatch: enabling patch 'tuxtape_x'",
  'a path \\ with a backslash, "quotes" and a\ttab',
  'two lines\nof one record',
  'INFO: task évil:12 blocked for more than 120 seconds.\n      Not tainted 7.2.0 #1',
  'colours \x1b[31min\x1b[0m a name\x07',
  'Oops: 0002 [#1] SMP',
];

export function lines(
  bytes: Uint8Array | string,
  options: Partial<ReaderOptions> = {},
  sizes: readonly number[] = [],
): LogLine[] {
  const all: LogLine[] = [];
  const reader = new LineReader({
    starts: null,
    onLine: (line) => {
      all.push(line);
      return false;
    },
    ...options,
  });
  let at = 0;
  const input = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  for (let i = 0; at < input.length; i += 1) {
    const size = sizes[i % sizes.length] ?? input.length;
    reader.push(input.subarray(at, at + size));
    at += size;
  }
  reader.end();
  return all;
}

const printed: fc.Arbitrary<Printed> = fc.record({
  text: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...TEXTS) },
    fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[[<\uFFFD]/.test(text) && text.trim() !== ''),
  ),
  microseconds: fc.nat(9_999_999_999),
  level: fc.nat(7),
  caller: fc.constantFrom('T1', 'T12345', 'C0', 'C63'),
  program: fc.option(fc.constant({ identifier: 'systemd', pid: 1 }), { freq: 5 }),
});
const logs = fc
  .array(printed, { minLength: 1, maxLength: 90 })
  .filter((log) => log.some(({ program }) => program === null));

// oxlint-disable-next-line no-control-regex
const plain = (text: string): string => text.replace(/\x1b\[\d+m/g, '').replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '');

/** What must be read of a log, whatever brought it, but for what the transport drops. */
function expected(log: readonly Printed[], { time, level, caller, trust, rest }: Encoder): Partial<LogLine>[] {
  return log.flatMap((record) =>
    plain(record.text)
      .split('\n')
      .map((text, i, all) => ({
        text: record.program === null ? text : text.replace(/^systemd\[1\]: /, ''),
        time: time === true || (time === 'kernel' && record.program === null) ? record.microseconds / 1e6 : null,
        level: level ? record.level : null,
        caller: caller ? record.caller : null,
        rest: rest && all.slice(0, i).some((before) => before !== ''),
        // Without a facility each line of the console speaks for itself, and a program's further lines have no mark.
        fromKernel: record.program === null || (!trust && i > 0 ? null : false),
      })),
  ) as Partial<LogLine>[];
}

for (const [name, encoder] of Object.entries(encoders)) {
  test(`a log reads the same by ${name}`, () => {
    fc.assert(
      fc.property(logs, (log) => {
        const found = lines(encoder.encode(log));
        const wanted = expected(log, encoder);
        assert.equal(found.length, wanted.length);
        for (const [i, { text, time, level, caller, fromKernel, rest }] of found.entries()) {
          const want = wanted[i]!;
          const said = text.replace(/^systemd\[1\]: /, '');
          const trust = want.fromKernel === null ? null : fromKernel;
          assert.deepEqual({ text: said, time, level, caller, rest, fromKernel: trust }, want);
        }
      }),
      { numRuns: 60 },
    );
  });

  test(`what is read by ${name} does not depend on the chunks`, () => {
    fc.assert(
      fc.property(logs, fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 }), (log, sizes) => {
        const bytes = Buffer.from(encoder.encode(log));
        for (const starts of [null, STARTS])
          assert.deepEqual(lines(bytes, { starts }, sizes), lines(bytes, { starts }));
      }),
      { numRuns: 60 },
    );
  });

  test(`no start is passed over by ${name}`, () => {
    const matters = ({ text }: LogLine): boolean => STARTS.some((start) => text.includes(start));
    fc.assert(
      fc.property(logs, (log) => {
        const bytes = encoder.encode(log);
        assert.deepEqual(lines(bytes, { starts: STARTS }).filter(matters), lines(bytes).filter(matters));
      }),
      { numRuns: 40 },
    );
  });
}

test('any bytes are read: mutated logs of every transport, in any chunks, as any transport', () => {
  const transport = fc.constantFrom<Transport | undefined>(...([undefined, ...transports] as const));
  const change = fc.record({ at: fc.nat(), cut: fc.nat(30), put: fc.uint8Array({ maxLength: 12 }) });
  fc.assert(
    fc.property(
      logs,
      fc.constantFrom(...Object.values(encoders)),
      fc.array(change, { maxLength: 20 }),
      transport,
      fc.boolean(),
      (log, encoder, changes, given, filtered) => {
        let bytes = Buffer.from(encoder.encode(log));
        for (const { at, cut, put } of changes) {
          const place = at % (bytes.length + 1);
          bytes = Buffer.concat([bytes.subarray(0, place), put, bytes.subarray(place + cut)]);
        }
        const options: Partial<ReaderOptions> = {
          starts: filtered ? STARTS : null,
          ...(given === undefined ? {} : { transport: given }),
        };
        const most = bytes.filter((byte) => byte === 10).length + 1;
        const whole = lines(bytes, options);
        for (const { number, text } of whole) {
          assert.ok(number >= 1 && number <= most);
          assert.ok(!text.includes('\n'));
        }
        assert.deepEqual(lines(bytes, options, [7, 61]), whole);
      },
    ),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 300) },
  );
});
