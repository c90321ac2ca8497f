/** Rising lists as bytes: the bytes of each list, then the lists: how many numbers, the first, and the differences. */
export function packLists(lists: readonly (readonly number[])[]): Buffer {
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

/** Unpacks one list by its number, of so many that were packed. Errors: RangeError, for bytes that are none. */
export function packedLists(packed: Buffer, count: number): (index: number) => number[] {
  const place = { at: 0 };
  const starts = new Int32Array(count + 1);
  for (let i = 0; i < count; i += 1) starts[i + 1] = starts[i]! + readNumber(packed, place);
  const base = place.at;
  if (base + starts[count]! !== packed.length) throw new RangeError('the lists of objects are cut off');
  return (index) => {
    const from = { at: base + starts[index]! };
    const length = readNumber(packed, from);
    const list: number[] = [];
    for (let i = 0, number = 0; i < length; i += 1) {
      // Nearly all differences are one byte.
      const byte = packed[from.at]!;
      if (byte < 128) from.at += 1;
      list.push((number += byte < 128 ? byte : readNumber(packed, from)));
    }
    return list;
  };
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
