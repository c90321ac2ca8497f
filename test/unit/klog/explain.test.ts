import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LogExplainer, type LogLine, parseKernelLog, type Transport } from '#klog';
import { encoders } from '../../../testkit/kernel-log.ts';
import { pageFault, records } from '../../../testkit/sample-report.ts';

interface Explained {
  readonly titles: readonly string[];
  /** What each line of the reports means. */
  readonly words: ReadonlyMap<string, string | null>;
  readonly doubted: readonly string[];
}

function explained(log: string | Uint8Array, transport?: Transport): Explained {
  const titles: string[] = [];
  const words = new Map<string, string | null>();
  const doubted: string[] = [];
  const explainer = new LogExplainer({
    ...(transport === undefined ? {} : { transport }),
    report: ({ title }, lines) => {
      titles.push(title);
      for (const line of lines) words.set(line.text, line.words);
    },
    event: () => {},
    doubted: ({ text }: LogLine, why) => doubted.push(`${text}: ${why}`),
  });
  explainer.push(log);
  explainer.end();
  return { titles, words, doubted };
}

const CODES: readonly (readonly [code: string, words: RegExp])[] = [
  ['0000', /^no page is mapped there, a read, in kernel mode;/],
  ['0002', /^no page is mapped there, a write, in kernel mode;/],
  ['0003', /^the page forbids it, a write, in kernel mode;/],
  ['0011', /^the page forbids it, a read, in kernel mode, an instruction fetch;/],
  ['000d', /^the page forbids it, a read, in user mode, a reserved bit is set in the page table;/],
];

for (const [code, words] of CODES) {
  test(`error code ${code} of a page fault`, () => {
    const line = `Oops: ${code} [#3] PREEMPT SMP`;
    const log = ['BUG: unable to handle page fault for address: 0', line, 'RIP: 0010:f+0x1/0x2'].join('\n');
    const said = explained(log).words.get(line) ?? '';
    assert.match(said, words);
    assert.match(said, /number 3 since boot: the earlier ones matter more; the kernel is built with PREEMPT SMP$/);
  });
}

test('the error code of another fault is no page fault', () => {
  const line = 'general protection fault, probably for non-canonical address 0xdead: 0002 [#1] SMP';
  assert.match(
    explained(`${line}\nRIP: 0010:f+0x1/0x2`).words.get(line) ?? '',
    /^error code 0002; the first since boot/,
  );
});

test('frames say who vouches for them, and whose they are', () => {
  const parts = { frames: ['f [demo]', '? g', 'h.isra.0'], instruction: 'i [demo]' };
  const { words } = explained(encoders.console!.encode(records(pageFault(parts))));
  assert.equal(words.get(' f+0x12/0x340 [demo]'), 'called from f of module demo, 18 of 832 bytes into it');
  assert.match(words.get(' ? g+0x13/0x340') ?? '', /^\?: an address in g of the kernel itself lay on the stack/);
  assert.match(words.get('RIP: 0010:i+0x12/0x340 [demo]') ?? '', /in i of module demo$/);
});

test('not believed, with the reason: facility, form, place in the record, place in the line', () => {
  const log = [
    '12,1,1,-;BUG: KASAN: by a program',
    '6,2,2,-;evil[7]: WARNING: by a program',
    '6,3,3,-;a name\\x0aBUG: spinlock bad magic on CPU#1, x/1',
    '6,4,4,-;usb 1-1: Product: kernel BUG at fs/a.c:1!',
    '6,5,5,-;usb 1-1: nothing of note',
    '4,6,6,-;BUG: Bad x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0',
  ].join('\n');
  const { titles, doubted } = explained(log, 'kmsg');
  assert.deepEqual(titles, []);
  assert.equal(doubted.length, 5, doubted.join('\n'));
  for (const [i, why] of [
    /facility is not 0/,
    /name\[123\]/,
    /line feed/,
    /within the line/,
    /name of a task/,
  ].entries())
    assert.match(doubted[i]!, why);
});

test('in every transport the same reports are found as by the search over bytes, parts of a dump too', () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.values(encoders)), fc.nat(60), ({ encode }, before) => {
      const noise = Array.from({ length: before }, (_, i) => `usb 1-${i}: new device`);
      const log = encode(records([...noise, ...pageFault(), 'usb 1-1: gone']));
      const { titles, words } = explained(log);
      assert.deepEqual(
        titles,
        parseKernelLog(log).reports.map(({ title }) => title),
      );
      assert.equal(words.size, pageFault().length);
    }),
  );
});
