import { createHash, type Hash } from 'node:crypto';
import { ByteReader } from './byte-reader.ts';
import { damaged } from './error.ts';
import { type Entry, type Manifest, parseEntryHead, parseManifest } from './manifest.ts';

const HEAD_BYTES = 5;
const MAX_PART_BYTES = 1 << 20;
const MAX_ENTRY_HEAD_BYTES = 8 << 10;
const MAX_MANIFEST_BYTES = 128 << 20;

/** Kinds of parts: an entry begins, goes on, ends; the manifest. */
const parts = { begin: 'B', data: 'D', end: 'E', manifest: 'M' } as const;
type Part = (typeof parts)[keyof typeof parts];

/** What goes into a backup. */
export interface NewEntry {
  readonly kind: 'table' | 'file';
  readonly name: string;
  readonly content: AsyncIterable<Buffer>;
}

function part(kind: Part, content: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.write(kind, 'latin1');
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
}

/** Entries one after the other, then the manifest that `describe` makes of what they were. */
export async function* packed(
  entries: AsyncIterable<NewEntry>,
  describe: (entries: readonly Entry[]) => Manifest,
): AsyncGenerator<Buffer> {
  const written: Entry[] = [];
  for await (const { kind, name, content } of entries) {
    yield part(parts.begin, Buffer.from(JSON.stringify({ kind, name })));
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const piece of content) {
      hash.update(piece);
      bytes += piece.length;
      for (let at = 0; at < piece.length; at += MAX_PART_BYTES)
        yield part(parts.data, piece.subarray(at, at + MAX_PART_BYTES));
    }
    yield part(parts.end, Buffer.alloc(0));
    written.push({ kind, name, bytes, sha256: hash.digest('hex') });
  }
  yield part(parts.manifest, Buffer.from(JSON.stringify(describe(written))));
}

/** An entry that is read; `content` ends early only by an error. What is not read of it is passed over, and hashed all the same. */
export interface ReadEntry {
  readonly kind: 'table' | 'file';
  readonly name: string;
  readonly content: AsyncIterable<Buffer>;
}

/** Reads packed content once, from its beginning to its end. `manifest` is there when `entries` has ended. Errors: backup-damaged. */
export class Unpacking {
  readonly #reader: ByteReader;
  readonly #read: Entry[] = [];
  #manifest: Manifest | undefined;

  constructor(content: AsyncIterable<Buffer>) {
    this.#reader = new ByteReader(content);
  }

  get manifest(): Manifest {
    if (this.#manifest === undefined) throw damaged('it was not read to its end');
    return this.#manifest;
  }

  async *entries(): AsyncGenerator<ReadEntry> {
    for (;;) {
      const [kind, content] = await this.#part();
      if (kind === parts.manifest) {
        await this.#end(content);
        return;
      }
      if (kind !== parts.begin || content.length > MAX_ENTRY_HEAD_BYTES) throw damaged('its parts are out of order');
      const head = parseEntryHead(content);
      const hash = createHash('sha256');
      const counted = { bytes: 0, isOver: false };
      yield { ...head, content: this.#content(hash, counted) };
      if (!counted.isOver) for await (const _ of this.#content(hash, counted));
      this.#read.push({ ...head, bytes: counted.bytes, sha256: hash.digest('hex') });
    }
  }

  async *#content(hash: Hash, counted: { bytes: number; isOver: boolean }): AsyncGenerator<Buffer> {
    while (!counted.isOver) {
      const [kind, content] = await this.#part();
      if (kind === parts.end) counted.isOver = true;
      else if (kind === parts.data) {
        hash.update(content);
        counted.bytes += content.length;
        yield content;
      } else throw damaged('its parts are out of order');
    }
  }

  async #part(): Promise<[string, Buffer]> {
    const head = await this.#reader.need(HEAD_BYTES);
    const [kind, length] = [head.toString('latin1', 0, 1), head.readUInt32BE(1)];
    const most = kind === parts.manifest ? MAX_MANIFEST_BYTES : MAX_PART_BYTES;
    if (length > most) throw damaged('a part is longer than any can be');
    return [kind, await this.#reader.need(length)];
  }

  /** What was read must be what the manifest says, in the same order. */
  async #end(content: Buffer): Promise<void> {
    const manifest = parseManifest(content);
    if (!(await this.#reader.isOver())) throw damaged('something follows its manifest');
    if (manifest.entries.length !== this.#read.length) throw damaged('its manifest names other entries');
    for (const [i, entry] of this.#read.entries()) {
      const said = manifest.entries[i]!;
      if (
        said.kind !== entry.kind ||
        said.name !== entry.name ||
        said.bytes !== entry.bytes ||
        said.sha256 !== entry.sha256
      )
        throw damaged('it is not what its manifest says', entry.name);
    }
    this.#manifest = manifest;
  }
}
