import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareRunning, parseBanner } from '#kernel';

const DEBIAN =
  'Linux version 6.1.0-13-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1 (2023-09-29)\n';
const OLD =
  'Linux version 4.19.0-6-amd64 (debian-kernel@lists.debian.org) (gcc version 8.3.0 (Debian 8.3.0-6)) #1 SMP Debian 4.19.67-2+deb10u1 (2019-09-20)\n';
const CLANG =
  'Linux version 6.6.1 (builder@box) (Debian clang version 16.0.6 (15~deb12u1), Debian LLD 16.0.6) #1 SMP Thu Jan  1 00:00:00 UTC 1970\n';

test('release, compiler and linker are read from the banner of init/version.c', () => {
  assert.deepEqual(parseBanner(DEBIAN), {
    release: '6.1.0-13-amd64',
    compiler: 'gcc-12 (Debian 12.2.0-14) 12.2.0',
    linker: 'GNU ld (GNU Binutils for Debian) 2.40',
  });
  assert.deepEqual(parseBanner(OLD)?.compiler, 'gcc version 8.3.0 (Debian 8.3.0-6)');
  assert.equal(parseBanner(OLD)?.linker, null);
  assert.equal(parseBanner(CLANG)?.linker, 'Debian LLD 16.0.6');
  assert.equal(parseBanner(`[    0.000000] ${DEBIAN}`)?.release, '6.1.0-13-amd64');
});

test('a text that is no banner is none; no text makes the reader fail', () => {
  for (const text of [
    '',
    'Linux version %s (%s@%s) (%s) %s',
    '%s version %s (u@h) (gcc, ld) %s',
    'Linux version 6.1.1',
  ])
    assert.equal(parseBanner(text), undefined);
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseBanner(`Linux version 6.1 (${text}`)));
});

test('what differs is said, what one side does not say is not taken for the same', () => {
  const toolchain = { compiler: 'gcc (Debian 12.2.0-14) 12.2.0', linker: 'GNU ld (GNU Binutils for Debian) 2.40' };
  const banner = parseBanner(DEBIAN)!;
  const same = { release: banner.release, toolchain, config: null };
  assert.deepEqual(compareRunning(same, { banner, config: null, buildId: null }), {
    differences: [],
    unknown: ['config'],
  });
  const other = { ...same, release: '6.1.9', toolchain: { compiler: 'gcc (Debian 14.2.0-19) 14.2.0', linker: null } };
  const config = new Map([['NET', 'y']]);
  const found = compareRunning({ ...other, config: new Map([['NET', 'm']]) }, { banner, config, buildId: null });
  assert.deepEqual(
    found.differences.map(({ what }) => what),
    ['compiler', 'release', 'config'],
  );
  assert.deepEqual(found.unknown, ['linker']);
});
