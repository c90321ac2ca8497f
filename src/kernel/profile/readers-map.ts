/** Files and the objects that read them, as they are stored: a list is unpacked when it is asked for, and kept. */
export class ReadersMap implements ReadonlyMap<string, readonly number[]> {
  /** By path: the list, or where it starts in the packed ones. */
  readonly #lists = new Map<string, readonly number[] | number>();
  readonly #packed: Buffer;

  /** `packed` as `packReaders` writes it for these paths. Errors: RangeError, for any other. */
  constructor(paths: readonly string[], packed: Buffer) {
    this.#packed = packed;
    const place = { at: 0 };
    const lengths = paths.map(() => readNumber(packed, place));
    let { at } = place;
    for (const [i, path] of paths.entries()) {
      this.#lists.set(path, at);
      at += lengths[i]!;
    }
    if (at !== packed.length) throw new RangeError('the lists of objects are cut off');
  }

  get size(): number {
    return this.#lists.size;
  }

  has(path: string): boolean {
    return this.#lists.has(path);
  }

  get(path: string): readonly number[] | undefined {
    const list = this.#lists.get(path);
    if (typeof list !== 'number') return list;
    const indexes = this.#unpack(list);
    this.#lists.set(path, indexes);
    return indexes;
  }

  #unpack(start: number): number[] {
    const place = { at: start };
    const count = readNumber(this.#packed, place);
    const indexes: number[] = [];
    let index = 0;
    for (let i = 0; i < count; i += 1) indexes.push((index += readNumber(this.#packed, place)));
    return indexes;
  }

  keys(): MapIterator<string> {
    return this.#lists.keys();
  }

  *values(): MapIterator<readonly number[]> {
    for (const path of this.#lists.keys()) yield this.get(path)!;
  }

  *entries(): MapIterator<[string, readonly number[]]> {
    for (const path of this.#lists.keys()) yield [path, this.get(path)!];
  }

  [Symbol.iterator](): MapIterator<[string, readonly number[]]> {
    return this.entries();
  }

  forEach(body: (value: readonly number[], key: string, map: ReadonlyMap<string, readonly number[]>) => void): void {
    for (const [path, indexes] of this.entries()) body(indexes, path, this);
  }
}

/** Bytes of each list, then the lists: how many indexes, the first, and the differences. */
export function packReaders(lists: readonly (readonly number[])[]): Buffer {
  const lengths: number[] = [];
  const packed: number[] = [];
  for (const list of lists) {
    const start = packed.length;
    writeNumber(packed, list.length);
    for (const [i, index] of list.entries()) writeNumber(packed, i === 0 ? index : index - list[i - 1]!);
    writeNumber(lengths, packed.length - start);
  }
  return Buffer.concat([Buffer.from(lengths), Buffer.from(packed)]);
}

/** LEB128, unsigned. */
function writeNumber(bytes: number[], value: number): void {
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  bytes.push(rest);
}

function readNumber(bytes: Buffer, place: { at: number }): number {
  let value = 0;
  for (let shift = 0; shift < 32; shift += 7) {
    const byte = bytes[place.at];
    if (byte === undefined) break;
    place.at += 1;
    value |= (byte & 127) << shift;
    if (byte < 128) return value;
  }
  throw new RangeError('a number is cut off');
}
