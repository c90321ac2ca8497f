import { createHash, type Hash, type KeyObject, sign, verify } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { makeFolders, requireFree, sha256File, syncFolder } from '#host';
import { FeedError } from './error.ts';

/**
 * One signed file that carries a feed to a site without a network:
 *
 *     TUXTAPE-FEED-1\n
 *     {"made":…,"read":{"lore":…,"vulns":…},"parts":[{"name","bytes","sha256"}]}\n
 *     <Ed25519 signature (RFC 8032) over the two lines above, base64>\n
 *     the bytes of the parts, one after the other
 *
 * Nothing of it is used, or even written, before the signature is good; no part counts before all of them are there.
 */
const MAGIC = 'TUXTAPE-FEED-1\n';
const MAX_HEAD_BYTES = 64 << 10;
const MAX_PART_BYTES = 16 * 2 ** 30;
const CHUNK_BYTES = 1 << 20;

const manifestSchema = z.strictObject({
  made: z.iso.datetime(),
  read: z.strictObject({ lore: z.nullable(z.iso.datetime()), vulns: z.nullable(z.iso.datetime()) }),
  parts: z
    .array(
      z.strictObject({
        // A name is never a path.
        name: z.string().regex(/^(?:(?:\d{1,3}|vulns)\.bundle(?:\.shallow)?|signals\.jsonl)$/),
        bytes: z.number().int().min(0).max(MAX_PART_BYTES),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .min(1)
    .max(140),
});
type Manifest = z.infer<typeof manifestSchema>;

/** When each archive was read; null = it is not in the file. */
export interface ReadTimes {
  readonly lore: Date | null;
  readonly vulns: Date | null;
}

/** Writes the file from parts that lie in a folder; it appears whole or not at all. Returns its size in bytes. */
export async function writeTransfer(
  file: string,
  source: { readonly folder: string; readonly names: readonly string[]; readonly made: Date; readonly read: ReadTimes },
  key: KeyObject,
): Promise<number> {
  const { folder, names, made, read } = source;
  const parts = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      return { name, bytes: (await stat(path)).size, sha256: await sha256File(path) };
    }),
  );
  const times = { lore: read.lore?.toISOString() ?? null, vulns: read.vulns?.toISOString() ?? null };
  const manifest: Manifest = { made: made.toISOString(), read: times, parts };
  const head = `${MAGIC}${JSON.stringify(manifest)}\n`;
  const temporary = `${file}.part`;
  try {
    await writeAll(temporary, `${head}${sign(null, Buffer.from(head), key).toString('base64')}\n`, folder, names);
    await rename(temporary, file);
    await syncFolder(join(file, '..'));
  } finally {
    await rm(temporary, { force: true });
  }
  return (await stat(file)).size;
}

async function writeAll(path: string, head: string, folder: string, names: readonly string[]): Promise<void> {
  const handle = await open(path, 'w', 0o644);
  try {
    await handle.writeFile(head);
    for (const name of names)
      for await (const chunk of createReadStream(join(folder, name), { highWaterMark: CHUNK_BYTES }))
        await handle.writeFile(chunk as Buffer);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A transfer that was believed: when it was made, and the parts that now lie in the folder. */
export interface Transfer {
  readonly made: Date;
  readonly read: ReadTimes;
  readonly names: readonly string[];
}

/**
 * Reads the file into a folder, after its signature by `trusted` was checked and `accept` did not throw.
 * Errors: transfer-unreadable, transfer-untrusted, disk-full.
 */
export async function readTransfer(
  file: string,
  folder: string,
  trusted: KeyObject,
  accept: (made: Date) => void,
): Promise<Transfer> {
  const handle = await open(file, 'r').catch((cause: unknown) => {
    throw new FeedError('transfer-unreadable', 'input', { what: 'the file cannot be opened', where: file, cause });
  });
  try {
    const { manifest, length } = await readHead(handle, file, trusted);
    const made = new Date(manifest.made);
    accept(made);
    const bytes = manifest.parts.reduce((sum, part) => sum + part.bytes, 0);
    const { size } = await handle.stat();
    if (size !== length + bytes)
      throw broken(file, `it has ${size} bytes where its manifest says ${length + bytes}: it was cut off or added to`);
    await makeFolders(folder);
    await requireFree(folder, bytes, 'the parts of the feed');
    let position = length;
    for (const part of manifest.parts) {
      await copyPart(handle, position, part, folder, file);
      position += part.bytes;
    }
    const { lore, vulns } = manifest.read;
    const read = { lore: notAfter(lore, made), vulns: notAfter(vulns, made) };
    return { made, read, names: manifest.parts.map(({ name }) => name) };
  } finally {
    await handle.close();
  }
}

/** Nothing was read after the file was made. */
function notAfter(time: string | null, made: Date): Date | null {
  return time === null ? null : new Date(Math.min(Date.parse(time), made.getTime()));
}

async function readHead(
  handle: FileHandle,
  file: string,
  trusted: KeyObject,
): Promise<{ manifest: Manifest; length: number }> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_HEAD_BYTES), 0, MAX_HEAD_BYTES, 0);
  const bytes = buffer.subarray(0, bytesRead);
  const second = bytes.indexOf(10, MAGIC.length) + 1;
  const third = second === 0 ? 0 : bytes.indexOf(10, second) + 1;
  if (third === 0 || !bytes.subarray(0, MAGIC.length).equals(Buffer.from(MAGIC)))
    throw broken(file, 'it is no feed that "tuxtape feed export" wrote');
  const signature = Buffer.from(bytes.toString('latin1', second, third - 1), 'base64');
  if (!verify(null, bytes.subarray(0, second), trusted, signature))
    throw new FeedError('transfer-untrusted', 'untrusted', {
      what: 'the feed is not signed by the key you trust; nothing of it was used',
      where: file,
      remedy: 'compare the public key with that of the site that exports',
    });
  const { success, data } = manifestSchema.safeParse(parseJson(bytes.toString('utf8', MAGIC.length, second)));
  const names = data?.parts.map(({ name }) => name) ?? [];
  if (!success || new Set(names).size < names.length) throw broken(file, 'its manifest is not one of this version');
  return { manifest: data, length: third };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function copyPart(
  handle: FileHandle,
  start: number,
  { name, bytes, sha256 }: Manifest['parts'][number],
  folder: string,
  file: string,
): Promise<void> {
  const out = await open(join(folder, name), 'wx', 0o600);
  const hash: Hash = createHash('sha256');
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let done = 0; done < bytes; ) {
      const { bytesRead } = await handle.read(chunk, 0, Math.min(CHUNK_BYTES, bytes - done), start + done);
      if (bytesRead === 0) throw broken(file, `it ends inside ${name}`);
      hash.update(chunk.subarray(0, bytesRead));
      await out.writeFile(chunk.subarray(0, bytesRead));
      done += bytesRead;
    }
  } finally {
    await out.close();
  }
  if (hash.digest('hex') !== sha256) throw broken(file, `${name} is not what was signed`);
}

function broken(file: string, what: string): FeedError {
  return new FeedError('transfer-unreadable', 'untrusted', {
    what: `${what}; nothing of it was used`,
    where: file,
    remedy: 'copy it anew from the site that exported it',
  });
}
