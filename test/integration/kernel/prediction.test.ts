/** What Makefiles and a configuration say of a source, on small trees: each line of a case is one that kernels have. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { Profile } from '#domain';
import { parseKernelConfig, predictProfile } from '#kernel';
import { corpus } from '../../../testkit/corpus.ts';
import { scratch } from '../../../testkit/scratch.ts';
import { sourceTree, splitTree } from '../../../testkit/source-tree.ts';

const RUNS = 300;
let home: string;
before(async () => {
  home = await mkdtemp(join(tmpdir(), 'tuxtape-test-'));
});
after(() => rm(home, { recursive: true, force: true }));

async function predict(files: Record<string, string>, config: string, arch = 'x86_64'): Promise<Profile> {
  const source = await mkdtemp(join(home, 'tree-'));
  await sourceTree(source, files);
  try {
    return await predictProfile({ source, config: parseKernelConfig(config, 'config'), arch });
  } finally {
    await rm(source, { recursive: true, force: true });
  }
}

interface Expected {
  readonly states: Record<string, string>;
  readonly conditions?: Record<string, string>;
  readonly targets?: Record<string, string>;
  readonly unreadable?: number;
}

for (const { name, input, expected } of corpus('kbuild')) {
  test(`prediction of ${name}`, async () => {
    const { head, files } = splitTree(input.toString('utf8'));
    const profile = await predict(files, head);
    const wanted = expected as unknown as Expected;
    const states = Object.keys(wanted.states).map((file) => [file, profile.predictions.get(file)?.state]);
    assert.deepEqual(Object.fromEntries(states), wanted.states);
    for (const [file, text] of Object.entries(wanted.conditions ?? {})) {
      assert.equal(profile.predictions.get(file)?.condition, text);
    }
    const targets = new Map(profile.objects.map(({ source, target }) => [source, target]));
    for (const [file, target] of Object.entries(wanted.targets ?? {})) assert.equal(targets.get(file), target);
    assert.equal(profile.unreadable.length, wanted.unreadable ?? 0, profile.unreadable.join('\n'));
  });
}

test('a profile of a prediction says so, lists every file and claims no function', async () => {
  const profile = await predict(
    { 'drivers/Makefile': 'obj-y += a.o\n', 'drivers/a.c': '', 'drivers/a.h': '' },
    'CONFIG_X86=y',
  );
  assert.equal(profile.origin, 'config');
  assert.deepEqual(profile.objects, [
    { object: 'drivers/a.o', source: 'drivers/a.c', target: 'vmlinux', initOnly: null },
  ]);
  assert.deepEqual(profile.files.get('drivers/a.c'), [0]);
  assert.ok(profile.sources.has('drivers/a.h') && !profile.predictions.has('drivers/a.h'));
  assert.deepEqual(profile.functions, [[]]);
});

test('a folder that is no kernel and a configuration of another machine are refused', async () => {
  const folder = await scratch();
  const config = parseKernelConfig('CONFIG_X86=y', 'config');
  await assert.rejects(predictProfile({ source: folder, config, arch: 'x86_64' }), { code: 'source-not-a-kernel' });
  const files = { 'arch/arm64/Makefile': '' };
  await assert.rejects(predict(files, 'CONFIG_ARM64=y', 'x86_64'), { code: 'config-unreadable' });
});

test('nothing outside of the tree is read, also not by a link', async () => {
  const outside = await scratch();
  await writeFile(join(outside, 'Makefile'), 'obj-y += a.o\n');
  const source = await scratch();
  await sourceTree(source, { 'drivers/Makefile': 'obj-y += linked/\n', 'drivers/linked/a.c': '' });
  await symlink(join(outside, 'Makefile'), join(source, 'drivers/linked/Makefile'));
  await mkdir(join(source, 'drivers/more'));
  const config = parseKernelConfig('CONFIG_X86=y', 'config');
  const profile = await predictProfile({ source, config, arch: 'x86_64' });
  assert.equal(profile.predictions.get('drivers/linked/a.c')?.state, 'unknown');
});

const word = fc.constantFrom(
  'a.o',
  'b.o',
  'foo.o',
  'sub/',
  '$(X)',
  '$(UNKNOWN)',
  '$(UNKNOWN).o',
  'a$(UNKNOWN)',
  '$(Y-y)',
);
const call = fc.constantFrom(
  '$(filter %.o,$(X))',
  '$(filter-out $(UNKNOWN),a.o b.o)',
  '$(if $(UNKNOWN),a.o,b.o)',
  '$(patsubst %.o,%.o,$(X))',
  '$(addsuffix .o,$(UNKNOWN))',
  '$(foreach w,$(X) a,$(w:.o=).o)',
  '$(or $(UNKNOWN),b.o)',
  '$(subst $(UNKNOWN),b,a.o)',
  '$(sort $(X) $(UNKNOWN))',
);
const name = fc.constantFrom(
  'obj-y',
  'obj-m',
  'obj-$(CONFIG_A)',
  'obj-$(CONFIG_OFF)',
  'obj-$(UNKNOWN)',
  'foo-y',
  'foo-objs',
  'foo-$(UNKNOWN)',
  'X',
  'Y-$(UNKNOWN)',
  'lib-y',
);
const assignment = fc
  .tuple(name, fc.constantFrom('+=', ':=', '=', '?='), fc.array(fc.oneof(word, call), { maxLength: 3 }))
  .map(([left, operator, words]) => `${left} ${operator} ${words.join(' ')}\n`);
const condition = fc.constantFrom(
  'ifeq ($(UNKNOWN),y)',
  'ifdef CONFIG_A',
  'ifdef CONFIG_OFF',
  'ifndef UNKNOWN',
  'ifneq ($(X),)',
  'ifeq ($(UNKNOWN),$(X))',
);
const { block } = fc.letrec<{ block: string }>((tie) => ({
  block: fc.oneof(
    { maxDepth: 2 },
    assignment,
    fc
      .tuple(condition, fc.array(tie('block'), { maxLength: 3 }), fc.array(tie('block'), { maxLength: 2 }))
      .map(([head, yes, no]) => `${head}\n${yes.join('')}else\n${no.join('')}endif\n`),
  ),
}));
const files = {
  'drivers/a.c': '',
  'drivers/b.c': '',
  'drivers/foo.c': '',
  'drivers/sub/Makefile': 'obj-y := a.o\n',
  'drivers/sub/a.c': '',
};

test('what is left out stays left out, whatever the unknown turns out to be', async () => {
  const value = fc.constantFrom('', 'y', 'm', 'n', 'a.o', 'a', 'foo.o b.o', 'sub/', 'a b', '.o', 'objs', '-y');
  let leftOut = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(block, { minLength: 1, maxLength: 6 }), value, async (lines, known) => {
      const makefile = lines.join('');
      const open = await predict({ ...files, 'drivers/Makefile': makefile }, 'CONFIG_X86=y\nCONFIG_A=y');
      const extra = { 'arch/x86/Makefile': `export UNKNOWN := ${known}\n` };
      const closed = await predict({ ...files, ...extra, 'drivers/Makefile': makefile }, 'CONFIG_X86=y\nCONFIG_A=y');
      for (const [file, { state, condition: why }] of open.predictions) {
        if (state !== 'left-out') continue;
        leftOut += 1;
        assert.notEqual(
          closed.predictions.get(file)?.state,
          'built',
          `${file} (${why}), UNKNOWN=${known}\n${makefile}`,
        );
      }
      for (const [file, { state }] of open.predictions) {
        if (state === 'built')
          assert.equal(closed.predictions.get(file)?.state, 'built', `${file}, UNKNOWN=${known}\n${makefile}`);
      }
    }),
    { numRuns: RUNS },
  );
  assert.ok(leftOut > 0, 'no case left anything out');
});

test('any text is a Makefile that is understood or not, and the end comes', async () => {
  const piece = fc.oneof(
    block,
    fc.string({ maxLength: 20 }),
    fc.constantFrom(
      '$(',
      '${',
      ')',
      '\\\n',
      '\t',
      '#',
      'define x\n',
      'endef\n',
      'endif\n',
      'include x\n',
      '$(call X,1)\n',
      'X = $(X)$(X)\n',
      '%.o: %.c\n',
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
      const profile = await predict({ ...files, 'drivers/Makefile': pieces.join('') }, 'CONFIG_X86=y');
      assert.equal(profile.predictions.size, 4);
    }),
    { numRuns: RUNS },
  );
});

test('Makefiles that grow without end are given up, soon', async () => {
  const doubling = Array.from({ length: 40 }, (_, i) => `V${i + 1} = $(V${i})$(V${i})\n`).join('');
  const started = performance.now();
  for (const makefile of [
    `V0 = a.o \n${doubling}obj-y += $(V40)\nobj-$(CONFIG_OFF) += a.o\n`,
    `include drivers/Makefile\ninclude drivers/Makefile\nobj-$(CONFIG_OFF) += a.o\n`,
    `f = $(foreach x,$(1) $(1),$(call f,$(x) $(x)))\nobj-y += $(call f,a b)\nobj-$(CONFIG_OFF) += a.o\n`,
    `obj-y += ${'$('.repeat(200_000)}\nobj-$(CONFIG_OFF) += a.o\n`,
  ]) {
    const profile = await predict({ ...files, 'drivers/Makefile': makefile }, 'CONFIG_X86=y');
    assert.equal(profile.predictions.get('drivers/a.c')?.state, 'unknown', makefile.slice(0, 40));
  }
  assert.ok(performance.now() - started < 60_000);
});
