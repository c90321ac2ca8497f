/** Names of roles and targets are never a path, neither on disk nor on the server. */
import assert from 'node:assert/strict';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { quotedRole, targetFileName, targetUrlPath } from '../../../src/trust/names.ts';
import { percent } from '../../../testkit/tuf-repository.ts';

const name = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('.', '/', '%', '2', 'e', 'E', '\\', 'a', '?', '#', ' ', '\0') }),
);
const refused = { code: /^(metadata-invalid|target-mismatch)$/ };

function orRefused(make: () => string): string | undefined {
  try {
    return make();
  } catch (error) {
    assert.match((error as { code: string }).code, refused.code);
    return undefined;
  }
}

test('a role becomes one file and one part of a URL, and no two roles the same', () => {
  const seen = new Map<string, string>();
  fc.assert(
    fc.property(name, (role) => {
      const quoted = orRefused(() => quotedRole(role));
      if (quoted === undefined) return;
      assert.equal(quoted, percent(role));
      assert.equal(basename(join('/folder', `${quoted}.json`)), `${quoted}.json`);
      assert.equal(new URL(`http://host/metadata/1.${quoted}.json`).pathname, `/metadata/1.${quoted}.json`);
      assert.equal(seen.get(quoted) ?? role, role);
      seen.set(quoted, role);
    }),
    { numRuns: 2_000 },
  );
});

test('a target becomes one file below its folder, and a URL below its base, that is its name again', () => {
  fc.assert(
    fc.property(name, fc.boolean(), (path, prefixed) => {
      const file = orRefused(() => targetFileName(path));
      const steps = path.split('/').some((part) => part === '.' || part === '..') || path.endsWith('/') || path === '';
      if (file !== undefined) assert.equal(join('/folder', file), `/folder/${percent(path)}`);
      else assert.ok(steps || percent(path).length > 230);
      const url = orRefused(() => targetUrlPath(path, prefixed ? 'f'.repeat(64) : null));
      assert.equal(url === undefined, steps);
      if (url === undefined) return;
      const { pathname, search, hash } = new URL(`http://host/base/targets/${url}`);
      assert.equal(search + hash, '');
      assert.ok(pathname.startsWith('/base/targets/'));
      const decoded = decodeURIComponent(pathname.slice('/base/targets/'.length));
      assert.equal(prefixed ? decoded.replace(`${'f'.repeat(64)}.`, '') : decoded, path);
    }),
    { numRuns: 5_000 },
  );
});
