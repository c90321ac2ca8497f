/** Every text with which the programs of both engines refuse has a cause and a remedy: the texts are read from the programs. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { exists } from '#host';
import { diagnose } from '#livepatch';
import { cacheRoot } from './prepare/cache.ts';
import { source72, sourceOr } from './prepare/kernels.ts';

const cache = cacheRoot();
const KPATCH = join(cache, 'toolchain/trixie/usr/lib/kpatch');
/** Of steps that we take in a way of our own: klp-build's own command line and stages. */
const NOT_OURS =
  /^(?:-S |--|output filename|please run from|invalid short-circuit|no file to stash|line \$|\$\w+ doesn't exist)/;

/** A text as it comes out: with something in each place. */
function filled(text: string): string {
  return text
    .replace(/%(?:l{0,2}[dux]|zu|0?\d*l?x)/g, '3')
    .replace(/%\*?s/g, 'name')
    .replace(/\$\(basename "\$file"\)|\$\{?\w+\}?/g, 'name')
    .replace(/\\n/g, '');
}

function unknown(texts: Iterable<string>): string[] {
  return [...new Set(texts)].filter((text) => diagnose(filled(text), '/log', null).code === 'engine-failed');
}

test('what the programs of kpatch print when they refuse', async (t) => {
  if (!(await exists(KPATCH))) return t.skip('the toolchain is not made yet: the chain makes it');
  for (const program of ['create-diff-object', 'create-klp-module']) {
    const bytes = (await readFile(join(KPATCH, program))).toString('latin1');
    const texts = [...bytes.matchAll(/ERROR: [\x20-\x7e]{8,}/g)].map(([text]) => text);
    console.log(`  ${program}: ${texts.length} texts`);
    assert.ok(texts.length > 20, 'they are found');
    assert.deepEqual(unknown(texts), [], program);
  }
});

test('what klp-build and objtool print when they refuse', async (t) => {
  const source = await sourceOr(t, () => source72(cache));
  if (source === undefined) return;
  const script = await readFile(join(source.directory, 'scripts/livepatch/klp-build'), 'utf8');
  const dies = [...script.matchAll(/\bdie "((?:\$\([^)]*\)|[^"\\]|\\.)+)"/g)].map(([, text]) => text!);
  assert.ok(dies.length > 20, 'they are found');
  assert.deepEqual(unknown(dies.filter((text) => !NOT_OURS.test(text))), []);
  const objtool = join(source.directory, 'tools/objtool');
  for (const name of (await readdir(objtool)).filter((file) => /^klp-.*\.c$/.test(file))) {
    const code = await readFile(join(objtool, name), 'utf8');
    const texts = [...code.matchAll(/\bERROR\("((?:[^"\\]|\\.)+)"/g)].map(([, text]) => text!);
    assert.deepEqual(unknown(texts), [], name);
  }
});
