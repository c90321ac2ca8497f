/** `tuxtape klog` over real files and pipes of every transport. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tuxtape } from '../../../testkit/cli.ts';
import { encoders, type Printed } from '../../../testkit/kernel-log.ts';
import { klpModule } from '../../../testkit/replacing-module.ts';
import { pageFault, records } from '../../../testkit/sample-report.ts';
import { scratch } from '../../../testkit/scratch.ts';

const TUXTAPE = join(import.meta.dirname, '../../../bin/tuxtape');
const TITLE = 'BUG: unable to handle kernel paging request in sample_read';

interface Finding {
  readonly what: string;
  readonly title?: string;
  readonly step?: string;
  readonly why?: string;
  readonly blame?: { readonly level: string };
  readonly lines?: readonly { readonly text: string; readonly words: string | null }[];
}

function said(text: string, microseconds: number, program: Printed['program'] = null): Printed {
  return { text, microseconds, level: 6, caller: 'T1', program };
}

const LOG: readonly Printed[] = [
  ...Array.from({ length: 40 }, (_, i) => said(`usb 1-1: new device ${i}`, i)),
  said("livepatch: enabling patch 'tuxtape_x'", 50_000_000),
  said('BUG: KASAN: forged by a program', 60_000_000, { identifier: 'evil', pid: 7 }),
  ...records(pageFault()),
  ...Array.from({ length: 40 }, (_, i) => said(`usb 1-2: new device ${i}`, 200_000_000 + i)),
];

async function findings(args: readonly string[]): Promise<readonly Finding[]> {
  const { stdout, stderr, exitCode } = await tuxtape(['--json', 'klog', ...args]);
  assert.equal(exitCode, 0, stderr);
  return JSON.parse(stdout) as Finding[];
}

test('every transport is read, told or given, all in one run', async () => {
  const home = await scratch();
  const files: string[] = [];
  for (const [i, { encode }] of Object.values(encoders).entries()) {
    files.push(join(home, `${i}.log`));
    await writeFile(files[i]!, encode(LOG));
  }
  const all = await findings(['parse', ...files]);
  assert.deepEqual(
    all.map(({ what, title, step }) => title ?? step ?? what),
    files.flatMap(() => ['enabling', TITLE, 'end']),
  );
  const given = await findings(['parse', '--transport', 'kmsg', files[Object.keys(encoders).indexOf('kmsg')]!]);
  assert.equal(given.length, 3);
});

test('as text: a line each, and what was counted; a log without a report ends with 0, too', async () => {
  const home = await scratch();
  const file = join(home, 'log');
  await writeFile(file, encoders['dmesg -x']!.encode(LOG));
  const { stdout, exitCode } = await tuxtape(['klog', 'parse', file]);
  assert.equal(exitCode, 0);
  assert.match(stdout, /LINE +TIME +KIND/);
  assert.match(stdout, new RegExp(`43 +100\\.000000 +page-fault +fatal +${TITLE}\\n`));
  assert.match(stdout, /1 report, 1 livepatch messages\n$/);
  await writeFile(file, 'nothing of note\n');
  const quiet = await tuxtape(['klog', 'parse', file]);
  assert.equal(quiet.exitCode, 0);
  assert.match(quiet.stdout, /no report, 0 livepatch messages/);
  assert.deepEqual(await findings(['explain', file]), []);
});

test('blame of a livepatch: by its name and what it replaces, or by its file; the log is its own baseline', async () => {
  const home = await scratch();
  const log = join(home, 'log');
  const before = records(pageFault({ instruction: 'old_read', seconds: 20 }), { seconds: 20 });
  const again = records(pageFault({ instruction: 'old_read', seconds: 200 }), { seconds: 200 });
  const own = records(pageFault({ frames: ['vfs_read', 'demo_open [demo]'] }));
  await writeFile(
    log,
    encoders['dmesg -x']!.encode([
      ...before,
      said("livepatch: enabling patch 'tuxtape_x'", 50_000_000),
      ...own,
      ...again,
    ]),
  );
  const module = join(home, 'tuxtape_x.ko');
  await writeFile(module, klpModule('tuxtape_x', [{ object: 'demo', name: 'demo_open' }]));
  const levels = async (...args: string[]): Promise<(string | undefined)[]> =>
    (await findings(['parse', ...args, log])).map(({ what, blame }) => blame?.level ?? what);
  const told = ['baseline', 'livepatch', 'replaced', 'baseline', 'end'];
  assert.deepEqual(await levels('--livepatch', module), told);
  assert.deepEqual(await levels('--livepatch', 'tuxtape_x', '--replaces', 'f', '--replaces', 'demo:demo_open'), told);
  assert.deepEqual(await levels('--livepatch', 'tuxtape-x'), told.with(2, 'soon'));
  assert.deepEqual(await levels('--livepatch', 'tuxtape_y'), ['loaded', 'livepatch', 'loaded', 'loaded', 'end']);
  const { stdout } = await tuxtape(['klog', 'parse', '--livepatch', module, log]);
  assert.match(stdout, /SEVERITY +BLAME +TITLE\n/);
  assert.match(
    stdout,
    /page-fault +fatal +replaced +BUG: .*\n +(?:= .*\n +)*= demo:demo_open, which it replaces, is in the call trace/,
  );
  assert.match(stdout, /= this host reported the same before the load/);
  await writeFile(module, 'none');
  const refused = await tuxtape(['--json', 'klog', 'parse', '--livepatch', module, log]);
  assert.equal(refused.exitCode, 65);
  assert.match(refused.stderr, /"code": "module-unreadable"/);
  assert.equal(refused.stdout, '');
  for (const wrong of [
    ['--livepatch', 'a/b'],
    ['--replaces', 'f'],
    ['--livepatch', 'x', '--replaces', 'a b'],
  ])
    assert.equal((await tuxtape(['klog', 'parse', ...wrong, log])).exitCode, 64, wrong.join(' '));
});

test('explain says what each line means; --all also what was not believed, and why', async () => {
  const home = await scratch();
  const file = join(home, 'log');
  await writeFile(file, encoders['dmesg -x']!.encode(LOG));
  const [event, doubted, report, ...more] = await findings(['explain', '--all', file]);
  assert.deepEqual([event?.step, doubted?.what, report?.title, more], ['enabling', 'not-believed', TITLE, []]);
  assert.match(doubted?.why ?? '', /program/);
  assert.equal((await findings(['explain', file])).length, 2);
  const words = report!.lines!.map(({ text, words: meaning }) => `${text} = ${meaning}`).join('\n');
  for (const part of [
    /Oops: Oops: 0000 \[#1\] .* = no page is mapped there, a read, in kernel mode; the first since boot/,
    /CPU: 1 .* = processor 1, task 583 .*; tainted: .*K a livepatch was applied/,
    /vfs_read\+.* = called from vfs_read of the kernel itself/,
    /Modules linked in: .* = 2 modules are loaded; of note: tuxtape_x: built outside the tree, unsigned, a livepatch/,
    /---\[ end trace .* = the report ends/,
  ])
    assert.match(words, part);
});

test('explain covers every line of the corpus without a word of its own making a report', async () => {
  const folder = join(import.meta.dirname, '../../corpus/kernel-reports');
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .map((name) => join(folder, name));
  const parsed = (await findings(['parse', ...files])).filter(({ what }) => what === 'report');
  const explained = (await findings(['explain', ...files])).filter(({ what }) => what === 'report');
  assert.deepEqual(
    explained.map(({ title }) => title),
    parsed.map(({ title }) => title),
  );
  for (const { lines } of explained) assert.ok(lines!.length > 0 && lines![0]!.words !== null);
});

test('nothing of a log steers the terminal', async () => {
  const home = await scratch();
  const file = join(home, '\u001b[31mlog');
  const evil =
    'BUG: KASAN: use-after-free in \u009b31m\u202eevil\u001b]0;x\u0007+0x1/0x2\nBUG: spinlock \u2066bad magic\u0085';
  await writeFile(file, `${evil}\n`);
  for (const args of [['parse'], ['explain', '--all'], ['parse', '--transport', 'console']])
    for (const json of [[], ['--json']]) {
      const { stdout } = await tuxtape([...json, 'klog', ...args, file, file]);
      // oxlint-disable-next-line no-control-regex -- these are exactly the characters to catch
      assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    }
});

test('what cannot be read is said by code, before anything is printed', async () => {
  const home = await scratch();
  const file = join(home, 'log');
  await writeFile(file, 'x\n');
  const missing = await tuxtape(['--json', 'klog', 'parse', file, join(home, 'none')]);
  assert.equal(missing.exitCode, 65);
  assert.match(missing.stderr, /"code": "file-missing"/);
  assert.equal(missing.stdout, '');
  const folder = await tuxtape(['--json', 'klog', 'explain', home]);
  assert.equal(folder.exitCode, 65);
  assert.match(folder.stderr, /"code": "file-unreadable"/);
  assert.equal((await tuxtape(['klog', 'parse'])).exitCode, 64);
  assert.equal((await tuxtape(['klog', 'parse', '--transport', 'smoke', file])).exitCode, 64);
});

interface Piped {
  readonly stdout: string;
  readonly exitCode: number | null;
  readonly peakKib: number;
}

/** Runs the command line with a file as its standard input; `most`: the reader goes after so many letters. */
async function piped(args: readonly string[], input: string, most = Infinity): Promise<Piped> {
  const source = openSync(input, 'r');
  const child = spawn(TUXTAPE, args, { stdio: [source, 'pipe', 'inherit'] });
  closeSync(source);
  let stdout = '';
  let peakKib = 0;
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (stdout.length > most) child.stdout!.destroy();
  });
  const timer = setInterval(() => (peakKib = Math.max(peakKib, highWater(child.pid!))), 20);
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearInterval(timer);
  return { stdout, exitCode, peakKib };
}

/** VmHWM of proc(5), KiB; 0 when the process is gone. */
function highWater(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

test('a hundred megabytes from a pipe: the memory is that of a small log', async () => {
  const home = await scratch();
  const file = join(home, 'log');
  const ordinary = Array.from({ length: 10_000 }, (_, i) => said(`usb 1-${i}: new high-speed USB device`, i * 1000));
  const block = Buffer.from(encoders.console!.encode([...ordinary, ...records(pageFault())]));
  const write = (megabytes: number): void => {
    const handle = openSync(file, 'w');
    for (let size = 0; size < megabytes * 1e6; size += block.length) writeSync(handle, block);
    closeSync(handle);
  };
  write(1);
  const small = await piped(['klog', 'parse', '-'], file);
  write(100);
  const large = await piped(['klog', 'parse', '-'], file);
  assert.deepEqual([small.exitCode, large.exitCode], [0, 0]);
  assert.ok(large.stdout.split(TITLE).length > 100);
  assert.ok(large.peakKib < small.peakKib + 100 * 1024, `${small.peakKib} KiB, then ${large.peakKib} KiB`);
});

test('a reader that goes, as head does, ends it without a word', async () => {
  const home = await scratch();
  const file = join(home, 'log');
  await writeFile(file, encoders.console!.encode(records(pageFault())).toString().repeat(3000));
  const { exitCode } = await piped(['klog', 'explain', '-'], file, 1000);
  assert.equal(exitCode, 141);
});
