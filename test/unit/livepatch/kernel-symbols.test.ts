import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logChecks } from '#livepatch';
import { parseSymvers, symbolsOfMap } from '../../../src/livepatch/verify/kernel-symbols.ts';
import { reportKeys } from '../../../src/livepatch/verify/log-checks.ts';
import { sampleRecipe } from '../../../testkit/livepatch-module.ts';

test('exports are read with their object and namespace, symbols with their number', () => {
  const exported = parseSymvers(
    '0x00000000\tkfree\tvmlinux\tEXPORT_SYMBOL\t\n0x1\tnft-do\tnet/netfilter/nf-tables\tEXPORT_SYMBOL_GPL\tNFT\nrubbish\n',
  );
  assert.deepEqual(
    [...exported],
    [
      ['kfree', { object: 'vmlinux', namespace: '' }],
      ['nft-do', { object: 'nf_tables', namespace: 'NFT' }],
    ],
  );
  const symbols = symbolsOfMap('ffffffff81000000 T _text\nffffffff81000010 t twice\nffffffff81000020 t twice\n');
  assert.deepEqual([symbols.get('_text'), symbols.get('twice'), symbols.get('none')], [1, 2, undefined]);
});

const WARNING = `[    5.000000] ------------[ cut here ]------------
[    5.000000] WARNING: CPU: 0 PID: 1 at kernel/sample.c:10 sample+0x5/0x10
[    5.000000] CPU: 0 PID: 1 Comm: sh Not tainted 6.1.170 #1
[    5.000000] RIP: 0010:sample+0x5/0x10
[    5.000000] Call Trace:
[    5.000000]  <TASK>
[    5.000000]  do_syscall_64+0x3a/0x90
[    5.000000]  </TASK>
[    5.000000] ---[ end trace 0000000000000000 ]---
`;
const LOADED = "[    2.000000] livepatch: enabling patch 'tuxtape_sample'\n";

test('a report after the load fails with its blame; one that the machine has anyway is only shown', () => {
  const outcome = (log: string, before: ReadonlySet<string>): string => {
    const [report] = logChecks(log, 'tuxtape_sample', sampleRecipe, before);
    return `${report?.outcome}: ${report?.detail}`;
  };
  assert.match(outcome(LOADED, new Set()), /^passed/);
  assert.match(outcome(LOADED + WARNING, new Set()), /^failed: .*sample.*blame: replaced/);
  assert.match(outcome(LOADED + WARNING, reportKeys(WARNING)), /^warned: reported without the livepatch, too/);
  const [, steps] = logChecks(
    "[    2.000000] livepatch: failed to enable patch 'tuxtape_sample'\n",
    'tuxtape_sample',
    sampleRecipe,
    new Set(),
  );
  assert.equal(steps?.outcome, 'failed');
});
