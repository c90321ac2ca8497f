/** Lists of loaded modules: what is one is read whole, and nothing else ever counts as one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '#domain';
import { type HostList, parseHostList } from '#kernel';

const NOW = new Date('2026-11-24T12:00:00Z');
const WRITTEN = new Date('2026-11-24T06:00:00Z');
const LSMOD = `Module                  Size  Used by
ksmbd                 286720  0
nf_tables             300000  2 nft_ct,nft-counter
nft_ct                 20480  0
nft_counter            16384  -2
floppy                 16384  0 [permanent]
`;
const PROC = `ksmbd 286720 0 - Live 0x0000000000000000
nf_tables 300000 1 nft_ct, Live 0xffffffffc0a31000
nft_ct 20480 0 - Unloading 0x0000000000000000 (E-)
`;

function read(text: string, file = 'lists/web-17.lsmod'): HostList {
  return parseHostList(text, file, WRITTEN, NOW);
}

function refused(text: string, file?: string): boolean {
  try {
    read(text, file);
    return false;
  } catch (error) {
    if (hasCode(error, 'host-list-unreadable')) return true;
    throw error;
  }
}

test('lsmod, /proc/modules and JSON say the same', () => {
  const lsmod = read(LSMOD);
  assert.deepEqual([lsmod.host, lsmod.at, lsmod.release], ['web-17', WRITTEN, null]);
  assert.deepEqual([...lsmod.modules], ['ksmbd', 'nf_tables', 'nft_ct', 'nft_counter', 'floppy']);
  assert.deepEqual([...read(PROC, 'db.internal').modules], ['ksmbd', 'nf_tables', 'nft_ct']);
  const busybox =
    'Module                  Size  Used by    Tainted: G  \nksmbd 286720 0\nnf_tables 300000 1 ksmbd, Live 0x0 (O)\n';
  assert.deepEqual([...read(busybox).modules], ['ksmbd', 'nf_tables']);
  const json = read(
    JSON.stringify({ host: 'a', release: '6.1.170', at: '2026-11-20T00:00:00Z', modules: ['nf-tables'] }),
  );
  assert.deepEqual([json.host, json.release, json.buildId, [...json.modules]], ['a', '6.1.170', null, ['nf_tables']]);
  assert.deepEqual(json.at, new Date('2026-11-20T00:00:00Z'));
});

test('no module loaded is an answer where it is said, and none where nothing is', () => {
  assert.equal(read('Module                  Size  Used by\n').modules.size, 0);
  assert.equal(read(JSON.stringify({ host: 'a', modules: [] })).modules.size, 0);
  for (const nothing of ['', '\n', '{}', JSON.stringify({ host: 'a' }), '# nothing\n'])
    assert.ok(refused(nothing), nothing);
});

test('a list that was cut off is none: what it leaves out would read as "not loaded"', () => {
  assert.ok(refused(LSMOD.split('\n').slice(0, 3).join('\n')), 'its users are missing');
  assert.ok(refused(LSMOD.slice(0, LSMOD.indexOf('300000') + 3)), 'in the middle of a line');
  assert.ok(refused(PROC.split('\n').slice(0, 2).join('\n')));
});

test('lines of modprobe.d say what is kept out, and how far', () => {
  const rules =
    '# local\nblacklist ksmbd\ninstall dccp /bin/false\ninstall ppp /sbin/modprobe --ignore-install ppp\noptions nft-ct x=1\n';
  const { blocked, blacklisted } = read(LSMOD + rules);
  assert.deepEqual([[...blocked], [...blacklisted]], [['dccp'], ['ksmbd']]);
  const json = read(JSON.stringify({ host: 'a', modules: [], blacklist: ['n-gsm', 'install sctp /usr/bin/true'] }));
  assert.deepEqual([[...json.blocked], [...json.blacklisted]], [['sctp'], ['n_gsm']]);
  assert.ok(refused(JSON.stringify({ host: 'a', modules: [], blacklist: ['blacklist a b; rm'] })));
});

test('hostile lists are refused whole', () => {
  const bad = [
    LSMOD.replace('ksmbd', 'ks\u001b[2Jmbd'),
    LSMOD.replace('ksmbd', '../../etc'),
    `${LSMOD}<html>\n`,
    PROC.replace('Live', 'Dead'),
    JSON.stringify({ host: '../a', modules: [] }),
    JSON.stringify({ host: 'a\u0007', modules: [] }),
    JSON.stringify({ host: 'a', modules: ['a b'] }),
    JSON.stringify({ host: 'a', modules: ['x'.repeat(65)] }),
    JSON.stringify({ host: 'a', modules: [], extra: 1 }),
    JSON.stringify({ host: 'a', modules: [], at: '2027-01-01T00:00:00Z' }),
    JSON.stringify({ host: 'a', modules: Array.from({ length: 20_001 }, (_, i) => `m${i}`) }),
    `{"host": "a", "modules": [`,
  ];
  for (const text of bad) assert.ok(refused(text), text.slice(0, 60));
  assert.ok(refused(LSMOD, 'lists/.hidden'), 'a name that is no host');
  assert.ok(refused(LSMOD, 'lists/a b.txt'));
});

test('garbage never counts as a list', () => {
  const line = fc.oneof(fc.string(), fc.stringMatching(/^[\w-]{1,8} \d{1,4} [\w-]{0,4}$/), fc.constant('Module Size'));
  const garbage = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(line, { maxLength: 6 }).map((lines) => lines.join('\n')),
    fc.json(),
  );
  fc.assert(
    fc.property(garbage, (text) => {
      if (!refused(text)) assert.match(text, /^Module +Size +Used by|^\s*\{/, 'only what says what it is');
    }),
    { numRuns: 3_000 },
  );
});

test('a list with one letter changed is refused or names as many modules', () => {
  fc.assert(
    fc.property(fc.nat({ max: LSMOD.length - 1 }), fc.string({ minLength: 1, maxLength: 1 }), (at, letter) => {
      const changed = LSMOD.slice(0, at) + letter + LSMOD.slice(at + 1);
      if (!refused(changed)) assert.ok(read(changed).modules.size >= 4, changed);
    }),
    { numRuns: 2_000 },
  );
});
