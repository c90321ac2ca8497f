import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixFunctions } from '../../../src/pipeline/fix-functions.ts';
import { compiled, profileOfParts } from '../../../testkit/profile.ts';

const SOURCE = `#include <linux/kernel.h>

static int helper(int a)
{
	return a + 1;
}

int net_open(int a)
{
	return helper(a);
}
`;
const HEADER = `static inline int quick(int a)
{
	return a;
}
`;
const PATCH = `--- a/net/core/open.c
+++ b/net/core/open.c
@@ -3,3 +3,3 @@
 static int helper(int a)
 {
-	return a + 1;
+	return a + 2;
@@ -8,3 +8,3 @@ static int helper(int a)
 int net_open(int a)
 {
-	return helper(a);
+	return helper(a) * 2;
--- a/include/net/open.h
+++ b/include/net/open.h
@@ -1,4 +1,4 @@
 static inline int quick(int a)
 {
-	return a;
+	return -a;
 }
`;

const profile = profileOfParts({
  objects: [
    compiled('net/core/open.o', 'net/core/open.c', 'vmlinux'),
    compiled('net/core/open_m.o', 'net/core/open.c', 'open'),
  ],
  files: new Map([
    ['net/core/open.c', [0, 1]],
    ['include/net/open.h', [0, 1]],
  ]),
});
const texts = new Map([
  ['net/core/open.c', SOURCE],
  ['include/net/open.h', HEADER],
]);
const source = { read: async (path: string) => texts.get(path), named: () => [] };

test('each hunk names its function and what the file is linked into; a header is in nothing for certain', async () => {
  const found = await fixFunctions(Buffer.from(PATCH), 'change.patch', source, profile, null);
  assert.deepEqual(found, [
    { path: 'net/core/open.c', names: ['helper'], objects: ['vmlinux', 'open'], isLeftOut: false },
    { path: 'net/core/open.c', names: ['net_open'], objects: ['vmlinux', 'open'], isLeftOut: false },
    { path: 'include/net/open.h', names: ['quick'], objects: [], isLeftOut: false },
  ]);
});

test('a change that cannot be read is not looked at, which is no error of the proof', async () => {
  assert.equal(await fixFunctions(Buffer.from('no patch'), 'change.patch', source, profile, null), null);
});
