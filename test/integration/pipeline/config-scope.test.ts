/** A condition counts only where the object really sees this configuration. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { parseDiff, presenceOfAll } from '#patch';
import { isExcluded } from '../../../src/pipeline/config-scope.ts';
import { builtConfig, kernelTexts, settingOf } from '../../../src/pipeline/kernel-texts.ts';
import { compiled, profileOfParts } from '../../../testkit/profile.ts';
import { scratch } from '../../../testkit/scratch.ts';

const SOURCE = '#include "a.h"\nint before;\n#ifdef CONFIG_X\nint one;\nint two;\nint three;\n#endif\nint after;\n';
const PATCH =
  '--- a/k/a.c\n+++ b/k/a.c\n@@ -4,3 +4,3 @@ int before;\n int one;\n-int two;\n+int twelve;\n int three;\n';

async function excluded(part: {
  header?: string;
  config?: string;
  flags?: string;
  deps?: string;
  target?: string | null;
}) {
  const tree = await scratch();
  const flags = part.flags ?? '-D__KERNEL__';
  const deps = part.deps ?? 'include/linux/kconfig.h';
  const files: Record<string, string> = {
    'k/a.c': SOURCE,
    'k/a.h': part.header ?? 'int a;\n',
    'include/linux/kconfig.h': '#include <generated/autoconf.h>\n',
    'include/config/auto.conf': part.config ?? 'CONFIG_A=y\n',
    'k/.a.o.cmd': `savedcmd_k/a.o := gcc ${flags} -c -o k/a.o k/a.c\n\nsource_k/a.o := k/a.c\n\ndeps_k/a.o := \\\n  k/a.h \\\n  ${deps} \\\n\nk/a.o: $(deps_k/a.o)\n\n$(deps_k/a.o):\n`,
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), text);
  }
  const profile = profileOfParts({
    objects: [compiled('k/a.o', 'k/a.c', part.target === undefined ? 'vmlinux' : part.target)],
    sources: new Set(['k/a.c', 'k/a.h', 'include/linux/kconfig.h']),
  });
  const source = kernelTexts(tree, profile);
  const config = await builtConfig(tree);
  const setting = settingOf(config!, profile);
  const presence = await presenceOfAll([parseDiff(PATCH, 'x')], source, setting);
  return isExcluded(tree, profile, presence, source, setting);
}

test('a change that no object of this configuration reads', async () => {
  assert.equal(await excluded({}), true);
  assert.equal(await excluded({ config: 'CONFIG_X=m\n' }), true);
  assert.equal(await excluded({ config: 'CONFIG_X=y\n' }), false);
});

test('symbols that are set another way, programs of the build and commands without the configuration are not believed', async () => {
  assert.equal(await excluded({ header: '#undef CONFIG_A\n#  define CONFIG_X 1\n' }), false);
  assert.equal(await excluded({ header: '#define \\\n CONFIG_X 1\n' }), false);
  assert.equal(await excluded({ header: '#define CONFIG_Y 1\n' }), true);
  assert.equal(await excluded({ flags: '-D__KERNEL__ -DCONFIG_X' }), false);
  assert.equal(await excluded({ flags: '-O2' }), false);
  assert.equal(await excluded({ deps: 'include/linux/other.h' }), false);
  assert.equal(await excluded({ target: null }), false);
});

test('a tree is searched for whole lines, whatever stands in them', async () => {
  const tree = await scratch();
  await writeFile(join(tree, 'a.c'), 'int a;\n$(touch x) .*;\n');
  await writeFile(join(tree, 'b.c'), 'int a; \n$(touch x) other\n');
  const profile = profileOfParts({ objects: [], sources: new Set(['a.c', 'b.c']) });
  const source = kernelTexts(tree, profile);
  assert.deepEqual(await source.holding!(['$(touch x) .*;'], 'old/x.c'), ['a.c']);
  assert.deepEqual(await source.holding!(['int a;'], 'old/x.c'), ['a.c']);
  assert.deepEqual(await source.holding!(['int a;'], 'old/x.h'), []);
  assert.equal(await source.holding!([''], 'old/x.c'), null);
});
