import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileChecks, type HunkFunctions, LivepatchError } from '#livepatch';
import {
  MODULE_NAME,
  type ModuleShape,
  makeModule,
  sampleKernel,
  sampleRecipe,
  soundShape,
} from '../../../testkit/livepatch-module.ts';

const named: HunkFunctions = { path: 'kernel/sample.c', names: ['sample'], objects: ['vmlinux'], isLeftOut: false };

interface Changes {
  readonly shape?: ModuleShape;
  readonly hunks?: readonly HunkFunctions[] | null;
  readonly symbols?: readonly string[];
  readonly recipe?: typeof sampleRecipe;
}

function look({ shape = {}, hunks = [named], symbols, recipe = sampleRecipe }: Changes = {}): Map<string, string> {
  const subject = { module: makeModule(shape), moduleName: MODULE_NAME, recipe, hunks };
  const { checks } = fileChecks(subject, sampleKernel(symbols));
  return new Map(checks.map(({ name, outcome, detail }) => [name, `${outcome}: ${detail}`]));
}

/** The checks that did not pass, without those of the signature that the sample lacks. */
function faults(changes: Changes): string[] {
  return [...look(changes)]
    .filter(([name, what]) => !what.startsWith('passed') && name !== 'its signature can be read')
    .map(([name, what]) => `${name}: ${what}`);
}

test('a sound livepatch passes every check of its file', () => {
  assert.deepEqual(faults({}), []);
  const all = look();
  assert.match(all.get('its signature can be read')!, /^skipped: not signed/);
  assert.match(all.get('every symbol for the livepatch core is in its object')!, /1 symbols/);
});

test('each thing that is wrong with a module fails its own check', () => {
  const cases: [ModuleShape, RegExp][] = [
    [{ info: { livepatch: 'N' } }, /^it is marked as a livepatch: failed/],
    [{ info: { vermagic: '6.1.171 SMP' } }, /^it is for this kernel: failed: 6.1.171/],
    [{ info: { depends: 'nowhere' } }, /^the modules it depends on are there: failed: missing: nowhere/],
    [{ symbols: [...soundShape.symbols, { name: 'lost', section: 'undefined' }] }, /exported.*failed: lost$/],
    [{ symbols: [...soundShape.symbols, { name: 'help', section: 'undefined' }] }, /help of helper, which it does not/],
    [
      { info: { depends: 'helper' }, symbols: [...soundShape.symbols, { name: 'help', section: 'undefined' }] },
      /help of namespace HELP/,
    ],
    [
      { symbols: [...soundShape.symbols, { name: 'extra_init', type: 2, section: '.init.text' }] },
      /^nothing else runs when it is loaded: failed: extra_init/,
    ],
    [{ sections: [...soundShape.sections, '__param'] }, /^nothing else runs when it is loaded: failed: __param/],
    [
      {
        sections: [...soundShape.sections, '.kpatch.force'],
        relocations: [
          ...soundShape.relocations,
          { name: '.rela.kpatch.force', of: '.kpatch.force', symbols: ['sample'] },
        ],
      },
      /^no function is forced: failed: 1 functions/,
    ],
    [
      { symbols: [...soundShape.symbols, { name: 'klp_shadow_alloc', section: 'undefined', isWeak: true }] },
      /shadow variables: warned: for a reviewer: klp_shadow_alloc/,
    ],
  ];
  for (const [shape, expected] of cases) {
    const found = faults({ shape });
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0]!, expected);
  }
});

test('livepatch relocations that the kernel would refuse, or that it would not see, fail', () => {
  const [plain, special] = soundShape.relocations;
  const cases: [ModuleShape['relocations'], RegExp][] = [
    [[plain, { ...special, name: '.klp.rela.vmlinux' }], /the name is not/],
    [[plain, { ...special, of: '.init.text' }], /it relocates another section/],
    [[plain, { ...special, isLivepatch: false }], /not marked for the livepatch core/],
    [[plain, { ...special, symbols: ['_printk'] }], /_printk is no livepatch symbol/],
    [[plain, { ...special, name: '.klp.rela.helper..text.sample' }], /a symbol of vmlinux/],
    [[{ ...plain, symbols: ['.klp.sym.vmlinux.hidden,0'] }], /uses \.klp\.sym\.vmlinux\.hidden,0/],
  ];
  for (const [relocations, expected] of cases) {
    const found = look({ shape: { relocations: relocations! } }).get('livepatch relocations are well formed')!;
    assert.match(found, /^failed/);
    assert.match(found, expected);
  }
  // A relocation that does nothing may name anything: objtool leaves such behind.
  const nothing = { name: '.rela.init.text', of: '.init.text', symbols: ['.klp.sym.vmlinux.hidden,0'], type: 0 };
  assert.deepEqual(faults({ shape: { relocations: [plain, special, nothing] } }), []);
});

test('a symbol for the livepatch core is there once, or is chosen by its position', () => {
  const name = 'every symbol for the livepatch core is in its object';
  assert.match(look({ symbols: ['sample'] }).get(name)!, /^failed: vmlinux has no hidden/);
  assert.match(look({ symbols: ['sample', 'hidden', 'hidden'] }).get(name)!, /^failed: vmlinux has 2 hidden/);
  const chosen = (position: number): ModuleShape => {
    const symbol = `.klp.sym.vmlinux.hidden,${position}`;
    return {
      symbols: [...soundShape.symbols.slice(0, 3), { name: symbol, section: 'livepatch' }],
      relocations: [soundShape.relocations[0], { ...soundShape.relocations[1], symbols: [symbol] }],
    };
  };
  assert.match(look({ symbols: ['sample', 'hidden', 'hidden'], shape: chosen(2) }).get(name)!, /^passed/);
  assert.match(look({ symbols: ['sample', 'hidden', 'hidden'], shape: chosen(3) }).get(name)!, /^failed/);
});

test('functions that the fix names are replaced, or inlined away, or the check fails', () => {
  const name = 'the functions that the fix names are replaced';
  const other = { ...named, names: ['other'] };
  assert.match(look({ hunks: [named, other] }).get(name)!, /^passed: inlined: other/);
  const kept = look({ hunks: [named, other], symbols: ['sample', 'hidden', 'other.isra.0'] }).get(name)!;
  assert.match(kept, /^failed: not replaced, although the fix changes them: other \(kernel\/sample\.c\)/);
  const same = { recipe: { ...sampleRecipe, sameCode: ['other'] }, hunks: [named, other] };
  const compiled = look({ ...same, symbols: ['sample', 'hidden', 'other'] }).get(name)!;
  assert.match(compiled, /^passed: compiled to the same code: other/);
  const leftOut = { hunks: [named, { ...other, isLeftOut: true }], symbols: ['sample', 'hidden', 'other'] };
  assert.match(look(leftOut).get(name)!, /^passed: these and no others/);
  const callers = { ...sampleRecipe, functions: [...sampleRecipe.functions, { object: 'vmlinux', name: 'caller' }] };
  const found = look({ recipe: callers, symbols: ['sample', 'hidden', 'caller'] }).get(name)!;
  assert.match(found, /^passed: replaced because they contain changed code: caller/);
  assert.match(look({ hunks: null }).get(name)!, /^skipped/);
});

test('old code that goes on under another name is no defect when all that call it are replaced', () => {
  const name = 'the functions that the fix names are replaced';
  const other = { ...named, names: ['other'] };
  const symbols = ['sample', 'hidden', 'other.isra.0'];
  const withCallers = (callers: string[], standing = symbols): string => {
    const recipe = { ...sampleRecipe, leftBehind: [{ name: 'other.isra.0', callers }] };
    return look({ recipe, hunks: [named, other], symbols: standing }).get(name)!;
  };
  assert.match(
    withCallers(['sample']),
    /^passed: inlined or renamed, and all that call the old code are replaced: other/,
  );
  assert.match(withCallers(['sample', 'hidden']), /^failed: not replaced, although the fix changes them: other/);
  assert.match(withCallers(['sample'], [...symbols, 'other.isra.0']), /^failed/, 'one of two of the name is not known');
  assert.match(withCallers(['sample'], [...symbols, 'other']), /^failed/, 'the whole function stands, too');
  assert.match(
    withCallers(['sample'], [...symbols, 'sample']),
    /^failed/,
    'which of two callers of a name is replaced?',
  );
});

test('what it replaces must be in the kernel', () => {
  assert.match(
    look({ symbols: ['hidden'] }).get('what it replaces is in the kernel')!,
    /^failed: missing: vmlinux:sample/,
  );
});

test('a file that is no module is refused by code', () => {
  const subject = { module: Buffer.from('no module'), moduleName: 'x', recipe: sampleRecipe, hunks: null };
  assert.throws(
    () => fileChecks(subject, sampleKernel()),
    (error: unknown) => error instanceof LivepatchError && error.code === 'module-unreadable',
  );
});
