/**
 * Mutated kernel logs of every transport against the parser, for as long as is asked:
 *
 *   FUZZ_SECONDS=3600 node test/fuzz/klog.ts      one minute by default; FUZZ_SEED repeats a run
 *
 * Nothing may throw or hang, the time per megabyte is bounded, and what is found does not depend on how the bytes were cut. A log
 * that fails is written to `build/`, with its seed. Ends with 1 at the first failure.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  KernelLogParser,
  type KernelReport,
  type LivepatchEvent,
  LogExplainer,
  type Transport,
  transports,
} from '#klog';
import { corpus } from '../../testkit/corpus.ts';
import { encoders } from '../../testkit/kernel-log.ts';
import { pageFault, records } from '../../testkit/sample-report.ts';
import { shared } from '../../testkit/shared.ts';
import { watchdog } from './watchdog.ts';

const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 60);
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 32);
const OUTPUT = join(import.meta.dirname, '../../build');
const LOG_BYTES = 256 << 10;
/** Half a second for each megabyte would be 2 MB/s; short logs have a second of grace, for this machine has other work. */
const SECONDS_PER_MEGABYTE = 0.5;
const GRACE_SECONDS = 1;
const HANGS_AFTER_SECONDS = 120;
const TRANSPORTS: readonly (Transport | undefined)[] = [...[undefined, undefined, undefined], ...transports];
/** What breaks parsers: ends of lines, controls, brackets, marks of transports, long runs. */
const BITS = [
  ...[
    '\n',
    '\r\n',
    '\0',
    '\x1b[31m',
    '\x1b]',
    '\ufffd',
    '\u2028',
    '\t',
    ' ',
    '? ',
    '+0x',
    '/0x',
    '[',
    ']: ',
    '<',
    '(',
    '`',
  ],
  ...[
    '[    1.000000] ',
    '<4>',
    '6,1,2,-;',
    ',ncfrag=0/9;',
    '{"MESSAGE":[',
    'Oops#1 Part1\n',
    'BUG: ',
    'WARNING: ',
    'livepatch: ',
  ],
  ...[
    '------------[ cut here ]------------\n',
    '---[ end trace 0 ]---\n',
    'Call Trace:\n',
    'CPU: 0 PID: ',
    '_RNv',
    '<a as b>::',
  ],
  ...['a'.repeat(3000), ' '.repeat(3000), '['.repeat(2000), '+0x0/0x0'.repeat(300), '\\x41'.repeat(500)],
];

/** Marsaglia's xorshift: the same run for the same seed. */
class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % Math.max(1, limit);
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

/** Every log at hand: the corpora, a sample in each transport, the real ones where they are. */
function logs(): readonly Buffer[] {
  const own = ['kernel-logs', 'kernel-reports', 'kernel-lines'].flatMap((name) =>
    corpus(name).map(({ input }) => input),
  );
  const sample = records(pageFault());
  const encoded = Object.values(encoders).map(({ encode }) => Buffer.from(encode(sample)));
  const real = shared === undefined ? '' : join(shared, 'klog/cases.jsonl');
  if (!existsSync(real)) return [...own, ...encoded];
  const lines = readFileSync(real, 'utf8').trim().split('\n');
  return [...own, ...encoded, ...lines.map((line) => Buffer.from((JSON.parse(line) as { log: string }).log))];
}

/** One or several logs, each perhaps in another transport, cut, repeated, mixed and sprinkled. */
function mutated(chance: Chance, all: readonly Buffer[]): Buffer {
  const parts = Array.from({ length: 1 + chance.below(3) }, () => inTransport(chance, chance.of(all)));
  let bytes = chance.below(2) === 0 ? Buffer.concat(parts) : interleaved(chance, parts);
  for (let i = chance.below(12); i > 0; i -= 1) bytes = change(chance, bytes, parts);
  return bytes.subarray(0, LOG_BYTES);
}

function inTransport(chance: Chance, log: Buffer): Buffer {
  if (chance.below(2) === 0) return log;
  const lines = log
    .toString('utf8')
    .split('\n', 3000)
    .map((line) => line.replace(/^\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?/, ''));
  const callers = ['T1', 'T77', 'C0', 'C3'];
  const printed = lines.map((text, i) => ({
    text,
    microseconds: i * 1000,
    level: chance.below(8),
    caller: chance.of(callers),
    program: chance.below(30) === 0 ? { identifier: 'program', pid: 7 } : null,
  }));
  return Buffer.from(chance.of(Object.values(encoders)).encode(printed));
}

function interleaved(chance: Chance, parts: readonly Buffer[]): Buffer {
  const queues = parts.map((part) => part.toString('latin1').split('\n'));
  const mixed: string[] = [];
  for (let open = queues; open.length > 0; open = open.filter((queue) => queue.length > 0))
    mixed.push(...chance.of(open).splice(0, 1 + chance.below(4)));
  return Buffer.from(mixed.join('\n'), 'latin1');
}

function change(chance: Chance, bytes: Buffer, parts: readonly Buffer[]): Buffer {
  const at = chance.below(bytes.length + 1);
  const length = chance.below(chance.of([4, 80, 4000]));
  const rest = bytes.subarray(at);
  switch (chance.below(6)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, at), rest.subarray(length)]);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(chance.of(BITS)), rest]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), rest.subarray(0, length), rest]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), chance.of(parts).subarray(0, length), rest]);
    case 4:
      return Buffer.from(bytes.map((byte, i) => (i >= at && i < at + 3 ? chance.below(256) : byte)));
    default:
      return chance.below(2) === 0 ? bytes.subarray(at) : bytes.subarray(0, at);
  }
}

interface Found {
  readonly reports: readonly KernelReport[];
  readonly events: readonly LivepatchEvent[];
}

/** What the parser finds, of pieces of a size; the whole at once without one. */
function parsed(bytes: Buffer, transport: Transport | undefined, size = bytes.length): Found {
  const reports: KernelReport[] = [];
  const events: LivepatchEvent[] = [];
  const parser = new KernelLogParser({
    ...(transport === undefined ? {} : { transport }),
    report: (report) => reports.push(report),
    event: (event) => events.push(event),
  });
  for (let at = 0; at < bytes.length; at += size) parser.push(bytes.subarray(at, at + size));
  parser.end();
  return { reports, events };
}

/** The same is found where every line is looked at, as where only the lines are that a search over bytes finds. */
function explained(bytes: Buffer, transport: Transport | undefined, whole: Found): void {
  const reports: KernelReport[] = [];
  const events: LivepatchEvent[] = [];
  const explainer = new LogExplainer({
    ...(transport === undefined ? {} : { transport }),
    report: (report, lines) => {
      assert.ok(lines.length > 0);
      reports.push(report);
    },
    event: (event) => events.push(event),
    doubted: (_line, why) => assert.ok(why !== ''),
  });
  explainer.push(bytes);
  explainer.end();
  assert.deepEqual({ reports, events }, whole);
}

/** One log, held against all that must be so. Returns how many reports it has. */
function check(bytes: Buffer, transport: Transport | undefined, chance: Chance): number {
  const started = process.cpuUsage();
  const whole = parsed(bytes, transport);
  const { user, system } = process.cpuUsage(started);
  const limit = GRACE_SECONDS + (bytes.length / 1e6) * SECONDS_PER_MEGABYTE;
  assert.ok((user + system) / 1e6 < limit, `${bytes.length} bytes took ${(user + system) / 1e6} s`);
  assert.deepEqual(parsed(bytes, transport, chance.of([1, 7, 61, 1000, 65_536])), whole);
  const last = bytes.filter((byte) => byte === 10).length + 1;
  for (const { firstLine, lastLine, title, key } of whole.reports) {
    // The parts of a pstore dump are read last part first: a report may end in an earlier line of the input.
    for (const line of [firstLine, lastLine]) assert.ok(line >= 1 && line <= last, `line ${line} of ${last}`);
    assert.ok(title !== '' && key !== '' && !/\n/.test(title));
  }
  if (chance.below(4) === 0) explained(bytes, transport, whole);
  return whole.reports.length;
}

function main(): number {
  const all = logs();
  mkdirSync(OUTPUT, { recursive: true });
  const chance = new Chance(SEED);
  const started = performance.now();
  const elapsed = (): number => (performance.now() - started) / 1000;
  let [runs, bytes, reports, slowest] = [0, 0, 0, 0];
  const dog = watchdog(join(OUTPUT, 'klog-fuzz.log'), HANGS_AFTER_SECONDS, 4 * LOG_BYTES);
  while (elapsed() < SECONDS) {
    const log = mutated(chance, all);
    dog.next(log);
    const transport = chance.of(TRANSPORTS);
    const before = performance.now();
    try {
      reports += check(log, transport, chance);
    } catch (error) {
      dog.end();
      const file = join(OUTPUT, 'klog-fuzz.log');
      writeFileSync(file, log);
      console.error(`failed: seed ${SEED}, run ${runs}, transport ${transport ?? 'told'}, log in ${file}\n`, error);
      return 1;
    }
    slowest = Math.max(slowest, performance.now() - before);
    runs += 1;
    bytes += log.length;
  }
  dog.end();
  const figures = `${runs} logs, ${(bytes / 1e6).toFixed(0)} MB, ${reports} reports, slowest ${slowest.toFixed(0)} ms`;
  console.log(`klog fuzz: ${elapsed().toFixed(0)} s, ${figures}, seed ${SEED}: no crash`);
  return 0;
}

process.exitCode = main();
