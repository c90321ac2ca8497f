/** Debian source packages and linux-source packages, made and unpacked by the real dpkg. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { findProgram, run } from '#host';
import { treeLayout } from '#kernel';
import { addTiny, assertNothingAdded, type KernelSetting, kernelSetting } from '../../../testkit/kernel-adds.ts';

const skip = findProgram('dpkg-source') === undefined && 'dpkg-dev is not here';

const CONTROL = `Source: linux
Maintainer: T <t@example.org>
Section: kernel
Priority: optional
Standards-Version: 4.6.0

Package: linux-x
Architecture: any
Description: a kernel
`;
const CHANGELOG = `linux (6.1.170-1) unstable; urgency=medium

  * One.

 -- T <t@example.org>  Thu, 01 Jan 2026 00:00:00 +0000
`;
const PATCH = `--- a/kernel/sample.h
+++ b/kernel/sample.h
@@ -1 +1 @@
-#define ANSWER 42
+#define ANSWER 43
`;

/** A 3.0 (quilt) package of the tiny kernel with one patch; the path of its .dsc. */
async function sourcePackage({ home, source }: KernelSetting): Promise<string> {
  const folder = join(home, 'package');
  const tree = join(folder, 'linux-6.1.170');
  await mkdir(folder);
  await run('cp', ['-a', source, tree]);
  await run('tar', ['-C', folder, '-cJf', join(folder, 'linux_6.1.170.orig.tar.xz'), 'linux-6.1.170']);
  await mkdir(join(tree, 'debian/source'), { recursive: true });
  await mkdir(join(tree, 'debian/patches'));
  await writeFile(join(tree, 'debian/source/format'), '3.0 (quilt)\n');
  await writeFile(join(tree, 'debian/control'), CONTROL);
  await writeFile(join(tree, 'debian/changelog'), CHANGELOG);
  await writeFile(join(tree, 'debian/patches/series'), 'one.patch\n');
  await writeFile(join(tree, 'debian/patches/one.patch'), PATCH);
  await writeFile(join(tree, 'kernel/sample.h'), '#define ANSWER 43\n');
  await run('dpkg-source', ['-b', 'linux-6.1.170'], { cwd: folder });
  await run('rm', ['-rf', tree]);
  return join(folder, 'linux_6.1.170-1.dsc');
}

test('a source package is checked, unpacked with its patches, and recorded', { skip }, async () => {
  const given = await kernelSetting();
  const { kernel } = await addTiny(given, { source: await sourcePackage(given) });
  const header = await readFile(join(treeLayout(kernel.treeDirectory).build, 'kernel/sample.h'), 'utf8');
  assert.equal(header, '#define ANSWER 43\n', "Debian's own patch is applied");
  assert.equal(kernel.source?.kind, 'dsc');
});

test('refused, with nothing left: a wrong checksum, a missing file, a name that climbs out', { skip }, async () => {
  const given = await kernelSetting();
  const dsc = await sourcePackage(given);
  const folder = join(given.home, 'package');
  const text = await readFile(dsc, 'utf8');
  const debian = (await readdir(folder)).find((name) => name.includes('.debian.tar'))!;
  const bytes = await readFile(join(folder, debian));
  await writeFile(join(folder, debian), Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1)! ^ 1])]));
  await assert.rejects(addTiny(given, { source: dsc }), { code: 'source-changed' });
  await run('rm', [join(folder, debian)]);
  await assert.rejects(addTiny(given, { source: dsc }), { code: 'source-unreadable', message: /lacks/ });
  await writeFile(dsc, text.replaceAll(debian, `../${debian}`));
  await assert.rejects(addTiny(given, { source: dsc }), { code: 'source-unreadable' });
  await writeFile(dsc, text.replace('3.0 (quilt)', '3.0 (git)'));
  await assert.rejects(addTiny(given, { source: dsc }), { code: 'source-unreadable', message: /3\.0 \(git\)/ });
  await assertNothingAdded(given);
});

/** A binary package that holds these files. */
async function binaryPackage({ home }: KernelSetting, files: Readonly<Record<string, string>>): Promise<string> {
  const root = join(home, 'deb');
  await mkdir(join(root, 'DEBIAN'), { recursive: true });
  await mkdir(join(root, 'usr/src'), { recursive: true });
  await writeFile(
    join(root, 'DEBIAN/control'),
    'Package: linux-source-6.1\nVersion: 6.1.170-1\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: x\n',
  );
  for (const [name, from] of Object.entries(files)) await run('cp', [from, join(root, 'usr/src', name)]);
  const deb = join(home, 'linux-source-6.1_6.1.170-1_all.deb');
  await run('dpkg-deb', ['--root-owner-group', '-b', root, deb]);
  return deb;
}

test('the tarball in a linux-source package is the source; a package without one is refused', { skip }, async () => {
  const given = await kernelSetting();
  const tar = join(given.home, 'linux.tar.xz');
  await run('tar', ['-C', given.home, '-cJf', tar, 'linux']);
  await assert.rejects(addTiny(given, { source: await binaryPackage(given, {}) }), { code: 'source-unreadable' });
  await assertNothingAdded(given);
  const { kernel } = await addTiny(given, { source: await binaryPackage(given, { 'linux-source-6.1.tar.xz': tar }) });
  assert.deepEqual([kernel.version, kernel.source?.kind], ['6.1.170', 'deb']);
});
