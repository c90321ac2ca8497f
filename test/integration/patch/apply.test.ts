import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Toolchain } from '#domain';
import { tryPatch } from '#patch';
import { scratch } from '../../../testkit/scratch.ts';
import { SAMPLE_C, tinyKernel } from '../../../testkit/tiny-kernel.ts';

const host: Toolchain = { kind: 'host', root: null, compiler: 'gcc', linker: null };

function patchOf(start: number, before: string, after: string, context = '{'): string {
  return `--- a/kernel/sample.c\n+++ b/kernel/sample.c\n@@ -${start},3 +${start},3 @@\n ${context}\n-\t${before}\n+\t${after}\n }\n`;
}

test('a patch that fits exactly, that moved, or that fits only with fuzz is told apart; the tree is not touched', async () => {
  const { source } = await tinyKernel(await scratch());
  const fit = async (text: string): Promise<string> => (await tryPatch(source, host, text)).how;
  assert.equal(await fit(patchOf(7, 'return ANSWER;', 'return ANSWER + 1;')), 'exact');
  assert.equal(await fit(patchOf(3, 'return ANSWER;', 'return ANSWER + 1;')), 'offset');
  assert.equal(await fit(patchOf(7, 'return ANSWER;', 'return ANSWER + 1;', '{ /* other */')), 'fuzz');
  assert.equal(await readFile(join(source, 'kernel/sample.c'), 'utf8'), SAMPLE_C);
});

test('a patch that does not apply names the hunk; one that is in already is another error', async () => {
  const { source } = await tinyKernel(await scratch());
  await assert.rejects(tryPatch(source, host, patchOf(7, 'return 1;', 'return 2;')), {
    code: 'patch-does-not-apply',
    message: /kernel\/sample\.c: Hunk #1 FAILED/,
  });
  await assert.rejects(tryPatch(source, host, patchOf(7, 'return 0;', 'return ANSWER;')), { code: 'already-fixed' });
  assert.equal(await readFile(join(source, 'kernel/sample.c'), 'utf8'), SAMPLE_C);
});
