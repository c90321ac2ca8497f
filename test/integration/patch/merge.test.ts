/** A fix that does not fit is merged with the file it was made for, or left between markers for a person. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Toolchain } from '#domain';
import { type Composed, type ComposeOptions, composePatch, diffOf, renderDiff } from '#patch';

const toolchain: Toolchain = { kind: 'host', root: null, compiler: 'gcc', linker: null };
const BEFORE = `static int read(struct thing *thing)
{
	int ret;

	ret = prepare(thing);
	if (ret)
		return ret;
	return finish(thing);
}
`;
const AFTER = BEFORE.replace(
  '	return finish(thing);',
  '	if (thing->gone)\n		return -ENODEV;\n	return finish(thing);',
);
/** The same function as an older kernel has it: nothing around the change is as the fix expects it. */
const OLDER = BEFORE.replace(
  '	ret = prepare(thing);\n	if (ret)\n		return ret;\n',
  '	ret = old_prepare(thing, 0);\n	if (ret < 0)\n		goto out;\n\n',
)
  .replace('int ret;', 'int ret = 0;')
  .replace('}\n', 'out:\n	return ret;\n}\n');
const PATH = 'drivers/thing.c';
const FIX = renderDiff([diffOf(PATH, BEFORE, AFTER)!]);
const commit = 'a'.repeat(40);

function compose(here: string | null, more: Partial<ComposeOptions> = {}, text = FIX): Promise<Composed> {
  const source = { read: () => Promise.resolve(here ?? undefined), named: () => [] };
  const fix = { commit, version: '6.6.1', branch: 'newer-branch' as const, date: null, text, where: 'fixes a' };
  return composePatch([{ cve: 'CVE-2026-1', fixes: [fix] }], { source, toolchain, ...more });
}

const sides = { sides: () => Promise.resolve({ before: BEFORE, after: AFTER }) };

test('with the file of the fix, what another branch has between two changed places is no obstacle, and that is said', async () => {
  const lock = (text: string): string =>
    text
      .replace('	ret = prepare(', '	lock(thing);\n	ret = prepare(')
      .replace('	return finish(', '	unlock(thing);\n	return finish(');
  const between = (text: string): string => text.replace('	if (ret)\n', '	if (ret < 0)\n');
  const [before, after] = [BEFORE, lock(BEFORE)];
  const text = renderDiff([diffOf(PATH, before, after)!]);
  await assert.rejects(compose(between(BEFORE), {}, text), {
    code: 'patch-does-not-apply',
    message: /CVE-2026-1 \(aaaaaaaaaaaa\).*Hunk #1 FAILED/,
  });
  const merged = await compose(between(BEFORE), { sides: () => Promise.resolve({ before, after }) }, text);
  assert.deepEqual(merged.steps[0]?.fit, { how: 'three-way', remarks: [`${PATH}: merged`] });
  assert.equal(merged.unfinished, false);
  assert.equal(merged.files.get(PATH)?.after, between(after));
});

test('a conflict is an error, or stands between markers with both sides and what they come from', async () => {
  await assert.rejects(compose(OLDER, sides), { code: 'patch-does-not-apply' });
  const { files, unfinished, steps } = await compose(OLDER, { ...sides, conflicts: 'mark' });
  assert.equal(unfinished, true);
  assert.deepEqual(steps[0]?.fit, { how: 'marked', remarks: [`${PATH}: 1 conflicts, to be looked at`] });
  const text = files.get(PATH)?.after ?? '';
  assert.match(
    text,
    /^<<<<<<< this kernel\n[\s\S]*^\|{7} before a{12}\n[\s\S]*^=======\n[\s\S]*-ENODEV[\s\S]*^>>>>>>> after a{12}\n/m,
  );
});

test('without that file, GNU patch marks the place, and no merge is believed', async () => {
  const { files, unfinished } = await compose(OLDER, { conflicts: 'mark' });
  assert.equal(unfinished, true);
  assert.match(files.get(PATH)?.after ?? '', /^<<<<<<<[\s\S]*^=======\n[\s\S]*-ENODEV[\s\S]*^>>>>>>>/m);
  await assert.rejects(compose(OLDER), { code: 'patch-does-not-apply' });
});

test('a file that is not here at all is shown as the fix sees it', async () => {
  const { files } = await compose(null, { conflicts: 'mark' });
  assert.match(
    files.get(PATH)?.after ?? '',
    /^<<<<<<< this kernel\n\|{7} before\n[\s\S]*return finish\(thing\);\n[\s\S]*=======\n[\s\S]*-ENODEV/,
  );
  await assert.rejects(compose(null), { code: 'patch-does-not-apply' });
});
