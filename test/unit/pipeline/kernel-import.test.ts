import assert from 'node:assert/strict';
import { test } from 'node:test';
import { versionOf } from '#pipeline';

test("a release says the stable version of its source, or nothing: a distribution's .0 counts something else", () => {
  assert.equal(versionOf('6.1.170-tiny'), '6.1.170');
  for (const release of ['6.1.0-13-amd64', '5.15.0-91-generic', 'next-20260101', '6.1'])
    assert.throws(() => versionOf(release), { code: 'source-unreadable' }, release);
});
