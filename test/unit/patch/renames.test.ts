import assert from 'node:assert/strict';
import { test } from 'node:test';
import { knownMoves, parseDiff, presenceOf, type SourceTexts } from '#patch';

const OLD = `static int prepare_the_thing(struct thing *thing)
{
	int ret;

	ret = look_at_the_thing(thing);
	if (ret)
		return ret;
	finish_the_thing(thing, 1);
	return 0;
}
`;
const FIXED = OLD.replace('finish_the_thing(thing, 1)', 'finish_the_thing(thing, 2)');
const PATCH = `--- a/old/gone.c
+++ b/old/gone.c
@@ -5,6 +5,6 @@ static int prepare_the_thing(struct thing *thing)
 	ret = look_at_the_thing(thing);
 	if (ret)
 		return ret;
-	finish_the_thing(thing, 1);
+	finish_the_thing(thing, 2);
 	return 0;
 }
`;

function tree(files: Readonly<Record<string, string>>, isSlow = false): SourceTexts {
  return {
    read: async (path) => files[path],
    named: (name) => Object.keys(files).filter((path) => path.endsWith(`/${name}`)),
    holding: async (lines) =>
      isSlow
        ? null
        : Object.keys(files).filter((path) => lines.some((line) => files[path]!.split('\n').includes(line))),
  };
}

async function held(files: Readonly<Record<string, string>>, isSlow = false): Promise<[string, string]> {
  const { finding, paths } = await presenceOf(parseDiff(PATCH, 'x'), tree(files, isSlow));
  return [finding.outcome, paths[0]!];
}

test('a file of another name is found by what stands in it, when only one does', async () => {
  assert.deepEqual(await held({ 'new/here.c': OLD, 'new/other.c': 'int a;\n' }), ['vulnerable', 'new/here.c']);
  assert.deepEqual(await held({ 'new/here.c': OLD, 'new/copy.c': OLD }), ['unclear', 'old/gone.c'], 'two of them');
  assert.deepEqual(await held({ 'new/gone.c': OLD, 'new/copy.c': OLD }), ['unclear', 'old/gone.c'], 'a copy of it');
  assert.deepEqual(await held({ 'new/gone.c': OLD }), ['vulnerable', 'new/gone.c']);
  assert.deepEqual(await held({ 'new/gone.c': FIXED }), ['fixed', 'new/gone.c']);
});

test('a file of another name is never the reason to call a fix present, and a search that fails says nothing', async () => {
  assert.deepEqual(await held({ 'new/here.c': FIXED }), ['unclear', 'old/gone.c']);
  assert.deepEqual(await held({ 'new/here.h': OLD }), ['unclear', 'old/gone.c'], 'another language');
  assert.deepEqual(await held({ 'new/here.c': OLD.replace('prepare_the', 'another') }), ['unclear', 'old/gone.c']);
  assert.deepEqual(await held({ 'new/gone.c': OLD }, true), ['unclear', 'old/gone.c']);
});

test('moves are known in both directions, and only those', () => {
  assert.ok(knownMoves('fs/cifs/smb2ops.c').includes('fs/smb/client/smb2ops.c'));
  assert.ok(knownMoves('fs/smb/client/smb2ops.c').includes('fs/cifs/smb2ops.c'));
  assert.deepEqual(knownMoves('net/core/dev.c'), []);
});
