import { gzipSync, zstdCompressSync } from 'node:zlib';
import { sha256 } from '#host';
import { type TarEntry, tarOf } from './tar.ts';

type Packing = 'none' | 'gzip' | 'zstd';

export interface ImageParts {
  readonly layers: readonly (readonly TarEntry[])[];
  readonly packing?: Packing;
  /** Changes a file of the archive after every digest was made. */
  readonly spoil?: (name: string, content: string) => string;
}

function pack(bytes: Buffer, packing: Packing): Buffer {
  if (packing === 'gzip') return gzipSync(bytes);
  return packing === 'zstd' ? zstdCompressSync(bytes) : bytes;
}

function archive(files: ReadonlyMap<string, Buffer>, spoil: ImageParts['spoil']): Buffer {
  const entries = [...files].map(([name, bytes]) => {
    const text = bytes.toString('latin1');
    return { name, bytes: Buffer.from(spoil?.(name, text) ?? text, 'latin1') };
  });
  return tarOf(entries.map(({ name, bytes }) => ({ name, content: bytes })));
}

/** An OCI image layout (image-layout.md) of these layers, as one tar file. */
export function ociImage({ layers, packing = 'gzip', spoil }: ImageParts): Buffer {
  const files = new Map<string, Buffer>();
  const blob = (bytes: Buffer): { digest: string; size: number } => {
    files.set(`blobs/sha256/${sha256(bytes)}`, bytes);
    return { digest: `sha256:${sha256(bytes)}`, size: bytes.length };
  };
  const named = layers.map((layer) => blob(pack(tarOf(layer), packing)));
  const manifest = blob(
    Buffer.from(JSON.stringify({ schemaVersion: 2, config: blob(Buffer.from('{}')), layers: named })),
  );
  files.set('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  files.set('index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [manifest] })));
  return archive(files, spoil);
}

/** The older form that "docker save" writes. */
export function dockerImage({ layers, spoil }: ImageParts): Buffer {
  const files = new Map<string, Buffer>();
  const bytes = layers.map((layer) => tarOf(layer));
  const config = Buffer.from(
    JSON.stringify({ rootfs: { type: 'layers', diff_ids: bytes.map((layer) => `sha256:${sha256(layer)}`) } }),
  );
  const names = bytes.map((layer, i) => {
    files.set(`${i}/layer.tar`, layer);
    return `${i}/layer.tar`;
  });
  files.set(`${sha256(config)}.json`, config);
  files.set('manifest.json', Buffer.from(JSON.stringify([{ Config: `${sha256(config)}.json`, Layers: names }])));
  return archive(files, spoil);
}
