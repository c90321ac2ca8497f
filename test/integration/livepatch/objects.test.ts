/** Hazards in pairs of objects, made by a real compiler; pahole is the oracle for layouts. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readTypeLayouts } from '#kernel';
import { functionNames, lintObjects, type ObjectLintOptions } from '#livepatch';
import type { Finding } from '#patch';
import { scratch } from '../../../testkit/scratch.ts';

const FLAGS = ['-O2', '-g', '-pg', '-mfentry', '-ffunction-sections', '-fdata-sections', '-fno-pic', '-fno-pie'];
const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
const skip = has('gcc') ? false : 'there is no gcc';

async function compile(source: string, flags: readonly string[] = []): Promise<string> {
  const home = await scratch();
  await writeFile(join(home, 'a.c'), source);
  const { status, stderr } = spawnSync('gcc', [...FLAGS, ...flags, '-c', '-o', 'a.o', 'a.c'], { cwd: home });
  assert.equal(status, 0, String(stderr));
  return join(home, 'a.o');
}

interface Options extends Partial<ObjectLintOptions> {
  readonly flags?: readonly string[];
}

async function lintOf(before: string, after: string, { flags, ...options }: Options = {}): Promise<Finding[]> {
  const pair = {
    object: 'a.o',
    before: await compile(before, flags),
    after: await readFile(await compile(after, flags)),
  };
  return lintObjects([pair], { types: true, ...options });
}

function shown(findings: readonly Finding[]): string[] {
  return findings.map(({ code, what }) => `${code}: ${what}`);
}

const STRUCT = `struct inner { int a; char b; /* three bytes of nothing */ };
struct thing { struct inner inner; long last; };
enum state { IDLE, BUSY, STATE_MAX };
union either { int a; long b; };
struct bits { unsigned a : 3, b : 5; };
long use(struct thing *t, enum state s, union either *u, struct bits *b) { return t->last + t->inner.a + s + u->a + b->b; }
`;

/** What a change of STRUCT must give: code, and a part of the sentence. */
const layouts: readonly (readonly [string, string, string, string, RegExp])[] = [
  [
    'a structure that grows',
    'int a; char b;',
    'int a; long more; char b;',
    'object-layout',
    /struct inner is 24 bytes instead of 8; b is at byte 16 instead of byte 4; in 1 other types: struct thing/,
  ],
  [
    'a member in what was padding',
    'char b;',
    'char b; char more;',
    'object-layout-padding',
    /struct inner gets more, nothing else moves \(8 bytes\)/,
  ],
  ['a member that is renamed', 'char b; /*', 'char c; /*', 'object-layout-padding', /gets c, loses b/],
  [
    'a member of another type and the same size',
    'long last;',
    'unsigned long last;',
    'object-layout-padding',
    /last is long unsigned int instead of long int/,
  ],
  [
    'a value inserted into an enumeration',
    'IDLE, BUSY',
    'IDLE, WAITING, BUSY',
    'object-enum',
    /gives other values to BUSY/,
  ],
  [
    'a value at the end of an enumeration',
    'BUSY, STATE',
    'BUSY, WAITING, STATE',
    'object-enum-grows',
    /gets WAITING, another STATE_MAX/,
  ],
  [
    'a union that grows',
    'int a; long b; }',
    'int a; long b; long c[2]; }',
    'object-layout',
    /union either is 16 bytes instead of 8/,
  ],
  [
    'another alternative of a union',
    'int a; long b; }',
    'int a; long b; short c; }',
    'object-layout-padding',
    /union either gets c/,
  ],
  [
    'a bit field that moves',
    'a : 3, b : 5',
    'a : 4, b : 4',
    'object-layout',
    /struct bits a has 4 bits instead of 3; b is at bit 4 instead of bit 3/,
  ],
];

for (const [name, from, to, code, what] of layouts)
  test(`layout: ${name}`, { skip }, async () => {
    const found = (await lintOf(STRUCT, STRUCT.replace(from, to))).filter(({ hazard }) => hazard === 1);
    assert.deepEqual(
      found.map((one) => one.code),
      [code],
      shown(found).join('\n'),
    );
    assert.match(found[0]!.what, what);
  });

test('what changes no layout is silent: comments, bodies, types that are new', { skip }, async () => {
  const after = STRUCT.replace('three bytes', '3 bytes')
    .replace('t->last +', 't->last -')
    .replace('enum state {', 'struct more { int x; } more_of(void);\nenum state {');
  assert.deepEqual(shown(await lintOf(STRUCT, after, { expected: new Set(['use']) })), []);
});

test('types that cannot be compared block; they are compared only when asked for', { skip }, async () => {
  const after = STRUCT.replace('t->last +', 't->last -');
  assert.deepEqual(
    (await lintOf(STRUCT, after, { flags: ['-g0'] })).map(({ code }) => code),
    ['object-types-unread'],
  );
  assert.deepEqual(await lintOf(STRUCT, after, { flags: ['-g0'], types: false }), []);
});

const DATA = `extern int report(const char *, ...);
extern int one(void), two(void);
struct ops { int (*run)(void); const char *name; };
static const struct ops ops = { one, "thing" };
const struct ops *get(void) { return &ops; }
int count(void) { static int calls = 1; return ++calls; }
int twice(void) { static int calls = 2; return ++calls; }
int say(int a) { return a ? report("first") : 0; }
`;

const data: readonly (readonly [string, string, string, readonly string[]])[] = [
  ['a table that changes', '{ one,', '{ two,', ['object-data: ops changes in .rodata.ops']],
  [
    'a table that grows',
    'const char *name; };',
    'const char *name; long more; };',
    ['object-data: ops changes in .rodata.ops, 24 bytes instead of 16'],
  ],
  [
    'only a string more, so that the table finds its name elsewhere',
    'report("first")',
    'report("zero") + report("first")',
    [],
  ],
  [
    'a variable that is new',
    'int say',
    'static int told; int *tell(void) { return ++told ? &told : 0; }\nint say',
    ['object-data-added: told is new in .bss.told'],
  ],
  [
    'a constant that is new',
    'int say',
    'static const int steps[] = { 1, 5, 3 }; int step(int i) { return steps[i]; }\nint say',
    [],
  ],
  [
    'a static variable more in front of the others',
    'int count',
    'int early(void) { static int seen; return ++seen; }\nint count',
    ['object-data-added: seen is new in .bss.seen.2'],
  ],
  [
    'a static variable of one name that is lost',
    'static int calls = 2; return ++calls',
    'return 2',
    ['object-static-local: 1 static variables calls instead of 2'],
  ],
  [
    'a static variable that starts otherwise',
    'calls = 2',
    'calls = 3',
    ['object-data: calls changes in .data.calls.1'],
  ],
];

for (const [name, from, to, expected] of data)
  test(`data: ${name}`, { skip }, async () => {
    const found = await lintOf(DATA, DATA.replace(from, to), { types: false });
    const numbers = (text: string): string => text.replace(/\.\d+$/, '');
    assert.deepEqual(shown(found).map(numbers), expected.map(numbers));
  });

const CODE = `extern int report(int);
static inline int half(int a) { return report(a) / 2; }
int first(int a) { return half(a) + 1; }
int second(int a) { return half(a) + 2; }
__attribute__((section(".init.text"))) int start(int a) { return report(a + 3); }
__attribute__((section(".sched.text"))) int sleeping(int a) { return report(a + 4); }
__attribute__((section(".noinstr.text"))) int entry(int a) { return report(a + 5); }
__attribute__((no_instrument_function)) int hidden(int a) { return report(a + 6); }
`;

const code: readonly (readonly [string, string, string, string, readonly string[]])[] = [
  ['code of the start', '+ 3', '+ 30', 'start', ['object-init: code of the start changes: start (.init.text)']],
  [
    'a section that the engines refuse',
    '+ 4',
    '+ 40',
    'sleeping',
    ['object-section: the engines refuse: sleeping (.sched.text)'],
  ],
  [
    'code that is not to be traced',
    '+ 5',
    '+ 50',
    'entry',
    ['object-no-fentry: no call to the function tracer: entry (.noinstr.text)'],
  ],
  [
    'a function without a call to the tracer',
    '+ 6',
    '+ 60',
    'hidden',
    ['object-no-fentry: no call to the function tracer: hidden (.text.hidden)'],
  ],
  [
    'a function that is inlined',
    '/ 2',
    '/ 3',
    'half',
    ['object-blast: first, second come out otherwise, and the diff does not name them'],
  ],
  ['a function of its own', '+ 1;', '+ 10;', 'first', []],
  [
    'a new function without a call to the tracer',
    'int first',
    '__attribute__((no_instrument_function)) int fresh(int a) { return a; }\nint first',
    'fresh',
    [],
  ],
];

for (const [name, from, to, named, expected] of code)
  test(`code: ${name}`, { skip }, async () => {
    const after = CODE.replace(from, to);
    assert.deepEqual(shown(await lintOf(CODE, after, { expected: new Set([named]) })), expected);
  });

test('a function that the compiler specialises otherwise, and one whose name the kernel has twice', {
  skip,
}, async () => {
  const before = `extern int report(int);
static __attribute__((noinline)) int pick(int a, int b) { return report(a) + report(b) + report(a * b); }
int first(int a) { return pick(a, 3); }
int second(int a) { return pick(a, 3) + 1; }
`;
  const names = functionNames('0000000000000000 t first\n0000000000000010 T first\n0000000000000020 d second\n');
  const found = await lintOf(
    before,
    before.replace('int first(int a) { return pick(a, 3)', 'int first(int a) { return pick(a, a)'),
    { names },
  );
  assert.deepEqual(
    shown(found).filter((text) => !text.startsWith('object-blast')),
    ['object-suffix: pick: .constprop.0 before, whole after', 'object-duplicate-name: first (2 times)'],
  );
});

test('what is no object is an error, wherever it is cut', { skip }, async () => {
  const [before, after] = [await compile(CODE), await readFile(await compile(CODE.replace('+ 1;', '+ 10;')))];
  for (const size of [0, 40, 200, after.length - 100])
    await assert.rejects(lintObjects([{ object: 'a.o', before, after: after.subarray(0, size) }], { types: true }), {
      code: 'object-unreadable',
    });
});

test('layouts are those of pahole', { skip: skip || (has('pahole') ? false : 'there is no pahole') }, async () => {
  const source = `typedef unsigned int u32;
struct leaf { char name[3]; u32 flags; };
struct tree { struct leaf leaves[2]; struct { short x; long y; }; union { int n; void *p; }; u32 a : 3, b : 7, c; int (*call)(int); enum { RED, BLUE } colour; char rest[]; };
union any { struct tree tree; struct leaf leaf; } __attribute__((aligned(16)));
long use(union any *any, struct tree *tree, struct leaf *leaf) { return any->tree.y + tree->c + leaf->flags; }
`;
  const object = await compile(source);
  const found = await readTypeLayouts(await readFile(object), object);
  const pahole = (...args: string[]): string => spawnSync('pahole', [...args, object], { encoding: 'utf8' }).stdout;
  const sizes = [...pahole('--sizes').matchAll(/^(\w+)\t(\d+)\t/gm)].map(([, name, size]) => [name, Number(size)]);
  const ours = ['struct leaf', 'struct tree', 'union any'].map((name) => [name.split(' ')[1], found!.get(name)!.size]);
  assert.deepEqual(ours, sizes);
  const members = pahole('-C', 'tree').matchAll(/(\w+)(?:\[\w*\]|:\d+|\)\(int\))?;\s*\/\*\s*(\d+)(?::\s*(\d+))?/g);
  const offsets = [...members].map(([, name, bytes, bits]) => [name, Number(bytes) * 8 + Number(bits ?? 0)]);
  assert.deepEqual(
    found!.get('struct tree')!.members.map(({ name, offset }) => [name, offset]),
    offsets,
  );
  assert.deepEqual(
    found!.get('struct tree')!.members.map(({ name }) => name),
    ['leaves', 'x', 'y', 'n', 'p', 'a', 'b', 'c', 'call', 'colour', 'rest'],
  );
});
