import { createCipheriv, createDecipheriv, createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { z } from 'zod';
import { fromErrno } from '#host';
import { ByteReader } from './byte-reader.ts';
import { BackupError, damaged } from './error.ts';

/** Bytes of content in a chunk. */
const CHUNK_BYTES = 1 << 20;
const MAX_HEADER_BYTES = 1_024;
/** A chunk that does not compress grows by less than this (zstd, RFC 8878: 3 bytes a block of 128 KiB, and a frame header). */
const MAX_GROWTH = 4_096;
const TAG_BYTES = 16;
const PREFIX_BYTES = 7;
const LEAST_PASSPHRASE = 12;
/** RFC 7914; 128 MiB and about half a second: whoever has the file has to guess at that price. Fixed, so that no file can ask for more. */
const SCRYPT = { N: 1 << 17, r: 8, p: 1, maxmem: 256 << 20 };

const headerSchema = z.strictObject({
  tuxtape: z.literal('backup'),
  version: z.number().int().positive(),
  encryption: z
    .strictObject({
      cipher: z.literal('aes-256-gcm'),
      kdf: z.literal('scrypt-131072-8-1'),
      salt: z.base64().length(24),
      prefix: z.base64().length(12),
    })
    .nullable(),
});

interface Seal {
  readonly header: Buffer;
  /** Null: not encrypted; then the tag only shows damage. */
  readonly key: Buffer | null;
  readonly prefix: Buffer;
}

/**
 * Content as a backup file: a header line, then chunks of at most 1 MiB, each compressed (zstd), and encrypted where there is a passphrase
 * (AES-256-GCM; the nonce is a random prefix, the chunk's number and whether it is the last, so chunks can be neither swapped nor cut off; the
 * header is authenticated with each). Errors: passphrase-weak, and those of `content`.
 */
export async function* sealed(content: AsyncIterable<Buffer>, passphrase: string | null): AsyncGenerator<Buffer> {
  const seal = await newSeal(passphrase);
  yield seal.header;
  let number = 0;
  let held: Buffer[] = [];
  let size = 0;
  for await (const piece of content) {
    held.push(piece);
    size += piece.length;
    if (size < CHUNK_BYTES) continue;
    const all = Buffer.concat(held);
    let at = 0;
    // What fills a chunk exactly is kept: only the end knows which is the last.
    for (; all.length - at > CHUNK_BYTES; at += CHUNK_BYTES)
      yield await sealChunk(seal, number++, false, all.subarray(at, at + CHUNK_BYTES));
    held = [all.subarray(at)];
    size = all.length - at;
  }
  yield await sealChunk(seal, number, true, Buffer.concat(held));
}

async function newSeal(passphrase: string | null): Promise<Seal> {
  const [salt, prefix] = [randomBytes(16), randomBytes(PREFIX_BYTES)];
  if (passphrase !== null && passphrase.length < LEAST_PASSPHRASE)
    throw new BackupError('passphrase-weak', 'input', {
      what: `the passphrase has less than ${LEAST_PASSPHRASE} letters`,
      remedy: 'make one with "openssl rand -base64 24", and keep it where the backup is not',
    });
  const encryption = {
    ...{ cipher: 'aes-256-gcm', kdf: 'scrypt-131072-8-1' },
    ...{ salt: salt.toString('base64'), prefix: prefix.toString('base64') },
  };
  const header = { tuxtape: 'backup', version: 1, encryption: passphrase === null ? null : encryption };
  const key = passphrase === null ? null : await keyOf(passphrase, salt);
  return { header: Buffer.from(`${JSON.stringify(header)}\n`), key, prefix };
}

function keyOf(passphrase: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFKC'), salt, 32, SCRYPT, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

function nonceOf({ prefix }: Seal, number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  prefix.copy(nonce);
  nonce.writeUInt32BE(number, PREFIX_BYTES);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

/** Length of the body, last or not, body, tag. */
async function sealChunk(seal: Seal, number: number, isLast: boolean, content: Buffer): Promise<Buffer> {
  let body = await promisify(zstdCompress)(content);
  let tag: Buffer;
  if (seal.key === null) tag = plainTag(seal, number, isLast, body);
  else {
    const cipher = createCipheriv('aes-256-gcm', seal.key, nonceOf(seal, number, isLast)).setAAD(seal.header);
    body = Buffer.concat([cipher.update(body), cipher.final()]);
    tag = cipher.getAuthTag();
  }
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length);
  head[4] = isLast ? 1 : 0;
  return Buffer.concat([head, body, tag]);
}

function plainTag({ header }: Seal, number: number, isLast: boolean, body: Buffer): Buffer {
  const hash = createHash('sha256').update(header).update(`${number} ${isLast}\n`).update(body);
  return hash.digest().subarray(0, TAG_BYTES);
}

/**
 * The content of a backup file; nothing of it is believed but that it is what was written, and by somebody who has the passphrase. Errors:
 * file-missing, backup-version, backup-damaged, passphrase-wanted, passphrase-wrong.
 */
export async function* unsealed(path: string, passphrase: string | null): AsyncGenerator<Buffer> {
  const reader = new ByteReader(bytesOf(path));
  const seal = await readSeal(reader, passphrase, path);
  for (let number = 0; ; number += 1) {
    const head = await reader.need(5);
    const [length, isLast] = [head.readUInt32BE(), head[4] === 1];
    if (length > CHUNK_BYTES + MAX_GROWTH || head[4]! > 1) throw damaged('a chunk is longer than any can be', path);
    const body = await reader.need(length);
    const tag = await reader.need(TAG_BYTES);
    yield await openChunk(seal, { number, isLast, body, tag }, path);
    if (isLast) break;
  }
  if (!(await reader.isOver())) throw damaged('something follows its end', path);
}

async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(path)) yield chunk as Buffer;
  } catch (error) {
    throw fromErrno(error, path, 'read the backup');
  }
}

async function readSeal(reader: ByteReader, passphrase: string | null, where: string): Promise<Seal> {
  const line = await reader.line(MAX_HEADER_BYTES);
  let value: unknown;
  try {
    value = JSON.parse(line.toString('utf8'));
  } catch (cause) {
    throw damaged('this is no backup of TuxTape', where, cause);
  }
  const version = z.looseObject({ tuxtape: z.literal('backup'), version: z.number() }).safeParse(value);
  if (version.success && version.data.version !== 1)
    throw new BackupError('backup-version', 'input', {
      what: `the backup is of version ${version.data.version}, this TuxTape reads version 1`,
      where,
      remedy: 'restore it with the TuxTape version that made it, or a newer one; nothing was changed',
    });
  const { success, data } = headerSchema.safeParse(value);
  if (!success) throw damaged('this is no backup of TuxTape', where);
  const { encryption } = data;
  if (encryption === null) return { header: line, key: null, prefix: Buffer.alloc(PREFIX_BYTES) };
  if (passphrase === null)
    throw new BackupError('passphrase-wanted', 'input', {
      what: 'the backup is encrypted',
      where,
      remedy: 'name the file with its passphrase: --passphrase-file FILE',
    });
  const key = await keyOf(passphrase, Buffer.from(encryption.salt, 'base64'));
  return { header: line, key, prefix: Buffer.from(encryption.prefix, 'base64').subarray(0, PREFIX_BYTES) };
}

interface Chunk {
  readonly number: number;
  readonly isLast: boolean;
  readonly body: Buffer;
  readonly tag: Buffer;
}

async function openChunk(seal: Seal, { number, isLast, body, tag }: Chunk, where: string): Promise<Buffer> {
  let plain = body;
  if (seal.key === null) {
    if (!timingSafeEqual(tag, plainTag(seal, number, isLast, body))) throw damaged(`chunk ${number} is damaged`, where);
  } else {
    const cipher = createDecipheriv('aes-256-gcm', seal.key, nonceOf(seal, number, isLast), {
      authTagLength: TAG_BYTES,
    });
    try {
      cipher.setAAD(seal.header).setAuthTag(tag);
      plain = Buffer.concat([cipher.update(body), cipher.final()]);
    } catch (cause) {
      if (number > 0) throw damaged(`chunk ${number} is damaged`, where, cause);
      throw new BackupError('passphrase-wrong', 'input', {
        what: 'the passphrase is not that of this backup, or the backup is damaged',
        where,
        remedy: 'nothing was changed; try the passphrase of the day it was made',
        cause,
      });
    }
  }
  try {
    return await promisify(zstdDecompress)(plain, { maxOutputLength: CHUNK_BYTES });
  } catch (cause) {
    throw damaged(`chunk ${number} cannot be unpacked`, where, cause);
  }
}
