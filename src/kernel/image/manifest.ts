import { join } from 'node:path';
import { exists, readLimited, sha256, sha256File } from '#host';
import { machineArch } from '../arch.ts';
import { KernelError } from '../error.ts';

const MAX_JSON_BYTES = 4 << 20;
const MAX_LAYERS = 200;
const MAX_NESTED = 4;
const GO_ARCH: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };

/** The layers of an image, lowest first, each a checked file; `digest` names the image. */
export interface ImageLayers {
  readonly digest: string;
  readonly layers: readonly string[];
}

export function unusable(what: string, where: string, cause?: unknown): KernelError {
  return new KernelError('image-unreadable', 'input', {
    what: `the container image cannot be used: ${what}`,
    where,
    remedy: 'give an OCI image layout or what "docker save" and "podman save" write, as one .tar file',
    cause,
  });
}

function changed(name: string, where: string): KernelError {
  return new KernelError('source-changed', 'untrusted', {
    what: `${name} is not what the image says: its SHA-256 differs`,
    where,
    remedy: 'get the image again; nothing of it was kept',
  });
}

/**
 * Finds the layers in an unpacked image and checks each by its digest (OCI image-layout and image-spec; else the
 * `manifest.json` of docker save). Errors: image-unreadable, source-changed.
 */
export async function imageLayers(folder: string, where: string): Promise<ImageLayers> {
  if (await exists(join(folder, 'index.json'))) return ociLayers(folder, where);
  if (await exists(join(folder, 'manifest.json'))) return dockerLayers(folder, where);
  throw unusable('it holds neither index.json nor manifest.json', where);
}

async function readJson(path: string, where: string): Promise<Record<string, unknown>> {
  const bytes = await readLimited(path, MAX_JSON_BYTES);
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw unusable('one of its JSON files cannot be read', where, cause);
  }
  throw unusable('one of its JSON files holds no object', where);
}

function objects(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'object' && item !== null) : [];
}

function blobPath(folder: string, digest: unknown, where: string): string {
  const hex = typeof digest === 'string' ? /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1] : undefined;
  if (hex === undefined) throw unusable('a digest in it is not SHA-256', where);
  return join(folder, 'blobs/sha256', hex);
}

async function checkedBlob(folder: string, digest: unknown, where: string): Promise<string> {
  const path = blobPath(folder, digest, where);
  if (!(await exists(path))) throw unusable(`it lacks the blob ${String(digest)}`, where);
  if (`sha256:${await sha256File(path)}` !== digest) throw changed(`blob ${String(digest)}`, where);
  return path;
}

async function ociLayers(folder: string, where: string): Promise<ImageLayers> {
  let manifest = await readJson(join(folder, 'index.json'), where);
  let digest = '';
  for (let depth = 0; Array.isArray(manifest['manifests']); depth += 1) {
    if (depth === MAX_NESTED) throw unusable('its index names an index too often', where);
    const chosen = chooseManifest(objects(manifest['manifests']), where);
    const path = await checkedBlob(folder, chosen['digest'], where);
    digest = String(chosen['digest']);
    manifest = await readJson(path, where);
  }
  const named = objects(manifest['layers']);
  if (digest === '' || named.length === 0 || named.length > MAX_LAYERS)
    throw unusable(`its manifest names ${named.length} layers`, where);
  const layers: string[] = [];
  for (const layer of named) layers.push(await checkedBlob(folder, layer['digest'], where));
  return { digest, layers };
}

/** The one for this machine where there are several; attestations say "unknown" and are no images. */
function chooseManifest(list: readonly Record<string, unknown>[], where: string): Record<string, unknown> {
  const platform = (item: Record<string, unknown>): Record<string, unknown> =>
    (item['platform'] as Record<string, unknown> | undefined) ?? {};
  const images = list.filter((item) => platform(item)['os'] !== 'unknown');
  const ours = images.filter((item) => platform(item)['architecture'] === GO_ARCH[machineArch()]);
  const [found, second] = images.length === 1 ? images : ours;
  if (found === undefined || second !== undefined)
    throw unusable(`it holds ${images.length} images, and not exactly one is for this machine`, where);
  return found;
}

/** Docker's own form: the name of the configuration is its hash, and that names the hash of each layer as a tar file. */
async function dockerLayers(folder: string, where: string): Promise<ImageLayers> {
  const list = objects(await readJson(join(folder, 'manifest.json'), where));
  const [image] = list;
  if (image === undefined || list.length !== 1) throw unusable(`it holds ${list.length} images, not one`, where);
  const config = safeName(image['Config'], where);
  const bytes = await readLimited(join(folder, config), MAX_JSON_BYTES);
  const id = /([0-9a-f]{64})(?:\.json)?$/.exec(config)?.[1];
  if (id === undefined || sha256(bytes) !== id) throw changed('its configuration', where);
  const rootfs = (await readJson(join(folder, config), where))['rootfs'] as { diff_ids?: unknown } | undefined;
  const hashes = Array.isArray(rootfs?.diff_ids) ? (rootfs.diff_ids as unknown[]) : [];
  const names = Array.isArray(image['Layers']) ? (image['Layers'] as unknown[]) : [];
  if (names.length === 0 || names.length > MAX_LAYERS || names.length !== hashes.length)
    throw unusable(`it names ${names.length} layers and ${hashes.length} hashes`, where);
  const layers: string[] = [];
  for (const [i, name] of names.entries()) {
    const path = join(folder, safeName(name, where));
    if (!(await exists(path))) throw unusable(`it lacks the layer ${i + 1}`, where);
    if (`sha256:${await sha256File(path)}` !== hashes[i]) throw changed(`layer ${i + 1}`, where);
    layers.push(path);
  }
  return { digest: `sha256:${id}`, layers };
}

function safeName(name: unknown, where: string): string {
  if (typeof name === 'string' && name !== '' && !name.startsWith('/') && !name.split('/').includes('..')) return name;
  throw unusable('a name in its manifest.json leaves the image', where);
}
