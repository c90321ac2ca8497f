/** What modprobe knows of a kernel's modules: who can have one loaded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode, wayIn } from '#domain';
import { decodeModuleFacts, encodeModuleFacts, type ModuleTexts, parseModuleFacts } from '#kernel';

const TEXTS: ModuleTexts = {
  dep: `kernel/net/sctp/sctp.ko: kernel/lib/libcrc32c.ko
kernel/lib/libcrc32c.ko:
kernel/net/ipv4/tcp_bbr.ko.zst:
kernel/drivers/net/e1000.ko.xz:
kernel/drivers/net/phy-lib.ko:
kernel/fs/smb/server/ksmbd.ko.gz: kernel/fs/smb/common/cifs_arc4.ko
kernel/fs/smb/common/cifs_arc4.ko:
kernel/crypto/gcm.ko:
kernel/samples/alone.ko:
`,
  alias: `# Aliases extracted from modules themselves.
alias net-pf-2-proto-132 sctp
alias net-pf-10-proto-132 sctp
alias pci:v00008086d0000100Esv*sd*bc*sc*i* e1000
alias crypto-gcm gcm
alias gone-with-its-module removed
`,
  softdep: `# Soft dependencies extracted from modules themselves.
softdep e1000 pre: phy_lib post: crypto-gcm
softdep ksmbd gcm
`,
  builtin: 'kernel/fs/ext4/ext4.ko\nkernel/net/unix/unix.ko\n',
};

const facts = parseModuleFacts(TEXTS, '6.1.170', 'lib');
const way = (name: string): string => {
  const found = wayIn(facts, name);
  return found === null ? 'none' : [found.kind, ...found.via].join(' | ');
};

test('aliases that a program can have asked for are told from those of devices', () => {
  assert.equal(way('sctp'), 'on-demand | net-pf-2-proto-132 | net-pf-10-proto-132');
  assert.equal(way('e1000'), 'hardware | pci:v00008086d0000100Esv*sd*bc*sc*i*');
  assert.equal(way('tcp_bbr'), 'on-demand | tcp_bbr', 'the kernel asks for tcp_%s by name');
  assert.equal(way('alone'), 'by-name');
  assert.equal(way('ext4'), 'none');
  assert.ok(facts.builtIn.has('ext4'));
});

test('a module comes with those that need it', () => {
  assert.equal(way('libcrc32c'), 'on-demand | net-pf-2-proto-132, by sctp');
  assert.equal(way('phy_lib'), 'hardware | pci:v00008086d0000100Esv*sd*bc*sc*i*, by e1000');
  assert.equal(way('cifs_arc4'), 'by-name', 'ksmbd itself is loaded by its name alone');
  assert.ok(facts.modules.get('ksmbd')?.wants.includes('gcm'), 'a softdep without "pre:" counts as one');
  assert.ok(facts.modules.get('e1000')?.wants.includes('gcm'), 'a softdep may name an alias');
});

test('an alias of a kind that is not known is taken for the worse', () => {
  const strange = parseModuleFacts({ ...TEXTS, alias: 'alias brand-new-7 alone\n' }, '6.1.170', 'lib');
  assert.equal(wayIn(strange, 'alone')?.kind, 'on-demand');
});

test('a circle of needs ends', () => {
  const dep = 'a.ko: b.ko\nb.ko: a.ko\n';
  assert.equal(wayIn(parseModuleFacts({ dep, alias: '', softdep: '', builtin: '' }, '1', 'x'), 'a')?.kind, 'by-name');
});

test('what is stored is what was read', () => {
  assert.deepEqual(decodeModuleFacts(encodeModuleFacts(facts), 'k'), facts);
  assert.throws(
    () => decodeModuleFacts(Buffer.from('x'), 'k'),
    (error) => hasCode(error, 'modules-unreadable'),
  );
});

test('a line that cannot be read makes all of it unreadable: a lost alias would make a module look harmless', () => {
  const broken: Partial<ModuleTexts>[] = [
    { alias: 'alias net-pf-2 \n' },
    { alias: 'alias net\u0001pf sctp\n' },
    { alias: 'alias a b c\n' },
    { alias: 'net-pf-2 sctp\n' },
    { dep: 'kernel/a: b.ko\n' },
    { dep: 'kernel/a.ko: ../x\n' },
    { softdep: 'pre: x\n' },
    { builtin: 'kernel/a b.ko\n' },
  ];
  for (const part of broken)
    assert.throws(
      () => parseModuleFacts({ ...TEXTS, ...part }, '6.1.170', 'lib'),
      (error) => hasCode(error, 'modules-unreadable'),
      JSON.stringify(part),
    );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('dep', 'alias', 'softdep', 'builtin'), (text, key) => {
      try {
        parseModuleFacts({ ...TEXTS, [key]: text }, '6.1.170', 'lib');
      } catch (error) {
        assert.ok(hasCode(error, 'modules-unreadable'), String(error));
      }
    }),
  );
});
