/** Container images as toolchains: layers laid over each other by their rules, and layers that want out. */
import assert from 'node:assert/strict';
import { lstat, mkdir, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { identifyToolchain, importImage } from '#kernel';
import { dockerImage, type ImageParts, ociImage } from '../../../testkit/container-image.ts';
import { scratch } from '../../../testkit/scratch.ts';
import type { TarEntry } from '../../../testkit/tar.ts';

async function unpack(image: Buffer): Promise<{ home: string; root: string; digest: string; how: string }> {
  const home = await scratch();
  const file = join(home, 'image.tar');
  const root = join(home, 'root');
  await writeFile(file, image);
  return { home, root, ...(await importImage(file, root)) };
}

/** The import fails with this code, and leaves nothing but the archive. */
async function refused(image: Buffer, code: string): Promise<void> {
  const home = await scratch();
  await writeFile(join(home, 'image.tar'), image);
  await assert.rejects(importImage(join(home, 'image.tar'), join(home, 'root')), { code });
  assert.deepEqual(await readdir(home), ['image.tar']);
}

const base: readonly TarEntry[] = [
  { name: 'usr/', type: '5', mode: 0o755 },
  { name: 'usr/bin/', type: '5', mode: 0o755 },
  { name: 'usr/bin/gcc', content: 'one', mode: 0o4755 },
  { name: 'usr/bin/cc', type: '1', link: 'usr/bin/gcc' },
  { name: 'usr/lib/old', content: 'old' },
  { name: 'usr/lib/keep', content: 'keep' },
  { name: 'etc/opaque/hidden', content: 'x' },
  { name: 'dev/null', type: '3' },
  { name: 'bin', type: '2', link: 'usr/bin' },
  { name: 'abs', type: '2', link: '/etc' },
];
const upper: readonly TarEntry[] = [
  { name: 'usr/bin/gcc', content: 'two', mode: 0o755 },
  { name: 'usr/lib/.wh.old' },
  { name: 'etc/opaque/.wh..wh..opq' },
  { name: 'etc/opaque/shown', content: 'y' },
];

for (const packing of ['none', 'gzip', 'zstd'] as const) {
  test(`an OCI image with ${packing} layers becomes the root that its layers say`, async () => {
    const { root, how, digest } = await unpack(ociImage({ layers: [base, upper], packing }));
    assert.equal(how, 'made');
    assert.match(digest, /^sha256:[0-9a-f]{64}$/);
    assert.equal(await readFile(join(root, 'usr/bin/gcc'), 'utf8'), 'two');
    assert.equal(await readFile(join(root, 'usr/bin/cc'), 'utf8'), 'one', 'a hard link keeps what it was linked to');
    assert.equal((await stat(join(root, 'usr/bin/cc'))).mode & 0o7777, 0o755, 'no set-user bit');
    assert.deepEqual((await readdir(join(root, 'usr/lib'))).toSorted(), ['keep']);
    assert.deepEqual(await readdir(join(root, 'etc/opaque')), ['shown']);
    assert.equal(await readlink(join(root, 'abs')), '/etc', 'an absolute link stays: it is followed inside only');
    assert.deepEqual(await readdir(join(root, 'dev')), []);
    for (const name of ['proc', 'dev', 'tmp', 'mnt']) assert.ok((await lstat(join(root, name))).isDirectory(), name);
  });
}

test('what docker save wrote is read, too; the same image is kept, another folder is never written to', async () => {
  const image = dockerImage({ layers: [base, upper] });
  const { home, root, digest } = await unpack(image);
  assert.equal(await readFile(join(root, 'usr/bin/gcc'), 'utf8'), 'two');
  assert.deepEqual(await importImage(join(home, 'image.tar'), root), { how: 'kept', digest });
  await mkdir(join(home, 'mine'));
  await writeFile(join(home, 'mine/file'), 'x');
  await assert.rejects(importImage(join(home, 'image.tar'), join(home, 'mine')), { code: 'image-unreadable' });
  assert.deepEqual(await readdir(join(home, 'mine')), ['file']);
});

const evil: Readonly<Record<string, { layers: ImageParts['layers']; code: string }>> = {
  'writes through a link of the layer below': {
    layers: [[{ name: 'out', type: '2', link: '/tmp' }], [{ name: 'out/gotcha', content: 'x' }]],
    code: 'archive-unsafe',
  },
  'writes through a relative link of the layer below': {
    layers: [[{ name: 'out', type: '2', link: '../..' }], [{ name: 'out/gotcha', content: 'x' }]],
    code: 'archive-unsafe',
  },
  'deletes through a link of the layer below': {
    layers: [[{ name: 'out', type: '2', link: '..' }], [{ name: 'out/.wh.image.tar' }]],
    code: 'archive-unsafe',
  },
  'climbs out': { layers: [[{ name: '../gotcha', content: 'x' }]], code: 'archive-unsafe' },
  'has an absolute path': { layers: [[{ name: '/tmp/gotcha', content: 'x' }]], code: 'archive-unsafe' },
  'has a device outside /dev': { layers: [[{ name: 'usr/null', type: '3' }]], code: 'archive-unsafe' },
  'links hard to a file of this machine': {
    layers: [[{ name: 'h', type: '1', link: '/etc/passwd' }]],
    code: 'source-unreadable',
  },
  'hides the folder it lies in': { layers: [[{ name: 'a/.wh...', content: '' }]], code: 'archive-unsafe' },
  'makes /proc a link': { layers: [[{ name: 'proc', type: '2', link: '/etc' }]], code: 'archive-unsafe' },
};

for (const [what, { layers, code }] of Object.entries(evil))
  test(`refused, with nothing left: a layer that ${what}`, () => refused(ociImage({ layers }), code));

test('a layer, a manifest or a configuration that is not what its digest says is refused', async () => {
  const last = (name: string, text: string): string => (name.startsWith('blobs/') ? `${text}x` : text);
  await refused(ociImage({ layers: [base], spoil: last }), 'source-changed');
  const layer = (name: string, text: string): string => (name === '0/layer.tar' ? text.replace('one', 'two') : text);
  await refused(dockerImage({ layers: [base], spoil: layer }), 'source-changed');
  const config = (name: string, text: string): string => (/^[0-9a-f]{64}\.json$/.test(name) ? `${text} ` : text);
  await refused(dockerImage({ layers: [base], spoil: config }), 'source-changed');
});

test('an archive that is no image, or whose manifest climbs out, is refused', async () => {
  const spoil = (name: string, text: string): string =>
    name === 'manifest.json' ? text.replace('0/layer.tar', '../../x.tar') : text;
  await refused(dockerImage({ layers: [base], spoil }), 'image-unreadable');
  const index = (name: string, text: string): string => (name === 'index.json' ? '{"manifests":"many"}' : text);
  await refused(ociImage({ layers: [base], spoil: index }), 'image-unreadable');
  const digest = (name: string, text: string): string =>
    name === 'index.json' ? text.replace(/sha256:[0-9a-f]{64}/, 'sha256:../../../etc/passwd') : text;
  await refused(ociImage({ layers: [base], spoil: digest }), 'image-unreadable');
});

test('a toolchain is recorded by the versions of its parts', async () => {
  const found = await identifyToolchain(null);
  assert.equal(found.kind, 'host');
  assert.match(found.compiler, /^gcc /);
  assert.match(found.linker ?? '', /ld/);
  assert.match(found.tools?.['make'] ?? '', /^GNU Make/);
});
