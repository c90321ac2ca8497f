import { lstat, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exists, makeFolders, writeAtomic } from '#host';
import { KernelError } from '../error.ts';
import { IMAGE_MANIFEST } from '../identify.ts';
import { checkUnpacked, unsafe } from '../source/stay-inside.ts';
import { extractTar, listTar } from '../source/unpack.ts';
import { imageLayers } from './manifest.ts';
import { mergeLayer } from './merge.ts';

/** A container has a /dev of its own, and so has the sandbox: device files of an image are left out. */
const SKIP = ['--anchored', '--wildcards', '--exclude=dev/*', '--exclude=./dev/*'];
/** Where the sandbox mounts its own. */
const MOUNT_POINTS = ['proc', 'dev', 'tmp', 'mnt'];

export interface ImportedImage {
  readonly how: 'made' | 'kept';
  readonly digest: string;
}

/**
 * Unpacks a container image into a root directory that is then used like a chroot. It appears whole or not at all; one of the same
 * image is kept, and a folder that is anything else is never written to.
 * Errors: image-unreadable, source-changed, archive-unsafe, source-unreadable.
 */
export async function importImage(
  archive: string,
  directory: string,
  onLayer: (done: number, total: number) => void = () => {},
): Promise<ImportedImage> {
  const work = `${directory}.part`;
  await rm(work, { recursive: true, force: true });
  try {
    const [image, root] = [join(work, 'image'), join(work, 'root')];
    await makeFolders(image);
    await mkdir(root);
    await listTar(archive);
    await extractTar(archive, image);
    await checkUnpacked(image, archive, 'inside');
    const { digest, layers } = await imageLayers(image, archive);
    if (await keptAs(directory, digest)) return { how: 'kept', digest };
    for (const [i, layer] of layers.entries()) {
      onLayer(i, layers.length);
      await addLayer(layer, join(work, `layer${i}`), root);
    }
    onLayer(layers.length, layers.length);
    await checkUnpacked(root, archive, 'anywhere');
    await makeMountPoints(root);
    await writeAtomic(join(root, IMAGE_MANIFEST), `${JSON.stringify({ image: digest }, null, 2)}\n`);
    await makeFolders(dirname(directory));
    await rename(root, directory);
    return { how: 'made', digest };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function addLayer(layer: string, folder: string, root: string): Promise<void> {
  await listTar(layer, undefined, SKIP);
  await mkdir(folder);
  await extractTar(layer, folder, undefined, SKIP);
  await mergeLayer(folder, root);
  await rm(folder, { recursive: true, force: true });
}

async function keptAs(directory: string, digest: string): Promise<boolean> {
  if (!(await exists(directory))) return false;
  const manifest = await readFile(join(directory, IMAGE_MANIFEST), 'utf8').catch(() => '');
  if (manifest.includes(`"image": "${digest}"`)) return true;
  throw new KernelError('image-unreadable', 'input', {
    what: 'the folder is there already, and is not this image',
    where: directory,
    remedy: 'give a folder that does not exist yet',
  });
}

async function makeMountPoints(root: string): Promise<void> {
  for (const name of MOUNT_POINTS) {
    const path = join(root, name);
    const info = await lstat(path).catch(() => undefined);
    if (info === undefined) await mkdir(path);
    else if (!info.isDirectory()) throw unsafe(`/${name} of the image is no folder`, path);
  }
}
