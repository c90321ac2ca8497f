import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { errno, fromErrno, requireFree, sha256File, syncFolder } from '#host';
import { ArchiveError } from '../error.ts';
import type { Signature } from '../metadata.ts';

/**
 * One signed file that carries an archive to a site without a network:
 *
 *     TUXTAPE-ARCHIVE-1\n
 *     {"made":…,"parts":[{"name","bytes","sha256"}]}\n
 *     [{"keyid","sig"}]\n           by the timestamp role, over the two lines above
 *     the bytes of the parts, one after the other
 *
 * Its parts prove themselves once more: nothing of it is served before the client that hosts run believed all of it.
 */
const MAGIC = 'TUXTAPE-ARCHIVE-1\n';
const MAX_HEAD_BYTES = 64 << 20;
const MAX_PART_BYTES = 256 << 20;
const MAX_PARTS = 500_000;
const CHUNK_BYTES = 1 << 20;
/** No part of a path starts with a dot: none is a step up, or a file of ours. */
const PART_NAME = /^(?:metadata|targets)(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*){1,6}$/;

const headSchema = z.strictObject({
  made: z.iso.datetime(),
  parts: z
    .array(
      z.strictObject({
        name: z.string().max(512).regex(PART_NAME),
        bytes: z.number().int().min(0).max(MAX_PART_BYTES),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .min(1)
    .max(MAX_PARTS),
});
const signaturesSchema = z
  .array(z.strictObject({ keyid: z.string().max(128), sig: z.string().max(8_192) }))
  .min(1)
  .max(16);
type Part = z.infer<typeof headSchema>['parts'][number];

/** Writes the file from parts that lie in a folder; it appears whole or not at all. Returns its size in bytes. */
export async function writeParts(
  file: string,
  source: { readonly folder: string; readonly names: readonly string[]; readonly made: Date },
  sign: (head: Buffer) => Promise<readonly Signature[]>,
): Promise<number> {
  const parts: Part[] = [];
  for (const name of source.names) {
    const path = join(source.folder, name);
    parts.push({ name, bytes: (await stat(path)).size, sha256: await sha256File(path) });
  }
  const head = Buffer.from(`${MAGIC}${JSON.stringify({ made: source.made.toISOString(), parts })}\n`);
  const signatures = JSON.stringify(await sign(head));
  const temporary = `${file}.part`;
  try {
    const handle = await open(temporary, 'w', 0o644);
    try {
      await handle.writeFile(Buffer.concat([head, Buffer.from(`${signatures}\n`)]));
      for (const { name } of parts)
        for await (const chunk of createReadStream(join(source.folder, name), { highWaterMark: CHUNK_BYTES }))
          await handle.writeFile(chunk as Buffer);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    await syncFolder(dirname(file));
  } catch (error) {
    throw fromErrno(error, file, 'write the file');
  } finally {
    await rm(temporary, { force: true });
  }
  return (await stat(file)).size;
}

/** What came out of the file. `head`: what `signatures` have to be over. */
export interface ReadParts {
  readonly made: Date;
  readonly names: readonly string[];
  readonly head: Buffer;
  readonly signatures: readonly Signature[];
}

/** Unpacks a whole file into a folder that is empty. Errors: transfer-unreadable, disk-full. */
export async function readParts(file: string, folder: string): Promise<ReadParts> {
  const handle = await open(file, 'r').catch((cause: unknown) => {
    const what = errno(cause) === 'ENOENT' ? 'there is no such file' : 'the file cannot be opened';
    throw new ArchiveError('transfer-unreadable', 'input', { what, where: file, cause });
  });
  try {
    const { made, parts, head, signatures, length } = await readHead(handle, file);
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    const { size } = await handle.stat();
    if (size !== length + bytes)
      throw broken(file, `it has ${size} bytes where its list says ${length + bytes}: it was cut off or added to`);
    await requireFree(folder, bytes, 'the archive');
    let position = length;
    for (const part of parts) {
      await copyPart(handle, position, part, folder, file);
      position += part.bytes;
    }
    return { made: new Date(made), names: parts.map(({ name }) => name), head, signatures };
  } finally {
    await handle.close();
  }
}

interface Head extends z.infer<typeof headSchema> {
  readonly head: Buffer;
  readonly signatures: readonly Signature[];
  /** Where the parts begin. */
  readonly length: number;
}

async function readHead(handle: FileHandle, file: string): Promise<Head> {
  const { size } = await handle.stat();
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(size, MAX_HEAD_BYTES)), 0, undefined, 0);
  const bytes = buffer.subarray(0, bytesRead);
  const second = bytes.indexOf(10, MAGIC.length) + 1;
  const third = second === 0 ? 0 : bytes.indexOf(10, second) + 1;
  if (third === 0 || !bytes.subarray(0, MAGIC.length).equals(Buffer.from(MAGIC)))
    throw broken(file, 'it is no archive that "tuxtape archive export" wrote');
  const parsed = headSchema.safeParse(parseJson(bytes.toString('utf8', MAGIC.length, second)));
  const signatures = signaturesSchema.safeParse(parseJson(bytes.toString('utf8', second, third)));
  if (!parsed.success || !signatures.success) throw broken(file, 'its list is not one of this version');
  if (new Set(parsed.data.parts.map(({ name }) => name)).size < parsed.data.parts.length)
    throw broken(file, 'a name stands in it twice');
  return { ...parsed.data, head: bytes.subarray(0, second), signatures: signatures.data, length: third };
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
  { name, bytes, sha256 }: Part,
  folder: string,
  file: string,
): Promise<void> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  const out = await open(path, 'wx', 0o644);
  const hash = createHash('sha256');
  try {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, Math.max(bytes, 1)));
    for (let done = 0; done < bytes; ) {
      const { bytesRead } = await handle.read(chunk, 0, Math.min(chunk.length, bytes - done), start + done);
      if (bytesRead === 0) throw broken(file, `it ends inside ${name}`);
      hash.update(chunk.subarray(0, bytesRead));
      await out.writeFile(chunk.subarray(0, bytesRead));
      done += bytesRead;
    }
    await out.sync();
  } catch (error) {
    throw error instanceof ArchiveError ? error : fromErrno(error, path, 'write the file');
  } finally {
    await out.close();
  }
  if (hash.digest('hex') !== sha256) throw broken(file, `${name} is not what its list says`);
}

function broken(file: string, what: string): ArchiveError {
  return new ArchiveError('transfer-unreadable', 'untrusted', {
    what: `${what}; nothing of it was used`,
    where: file,
    remedy: 'copy it anew from the site that exported it',
  });
}
