/** Bytes for tests of binary formats, little-endian: numbers as written, texts with their end. */
export function u16(value: number): number[] {
  return [value & 255, (value >> 8) & 255];
}

export function u32(value: number): number[] {
  return [...u16(value & 0xffff), ...u16(value >>> 16)];
}

export function u64(value: number): number[] {
  return [...u32(value % 2 ** 32), ...u32(Math.floor(value / 2 ** 32))];
}

export function text(value: string): number[] {
  return [...Buffer.from(value), 0];
}
