/** An entry of a tar archive that no tar program would write. */
export interface TarEntry {
  readonly name: string;
  /** `0` file, `1` hard link, `2` symbolic link, `3` character device, `5` folder (POSIX ustar, typeflag). */
  readonly type?: '0' | '1' | '2' | '3' | '5';
  readonly content?: string | Buffer;
  readonly link?: string;
  readonly mode?: number;
  /** What the head says, where that is not the length of the content. */
  readonly size?: number;
}

const BLOCK = 512;

/** Writes a tar archive byte for byte as it is told to, names that lead out of it included. */
export function tarOf(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(entryBlocks), Buffer.alloc(2 * BLOCK)]);
}

function entryBlocks({ name, type = '0', content = '', link = '', mode = 0o644, size }: TarEntry): Buffer[] {
  const head = Buffer.alloc(BLOCK);
  const body = Buffer.from(content);
  head.write(name, 0, 100);
  head.write(`${mode.toString(8).padStart(7, '0')}\0`, 100);
  head.write('0000000\0'.repeat(2), 108);
  head.write(`${(size ?? body.length).toString(8).padStart(11, '0')}\0`, 124);
  head.write('00000000000\0', 136);
  head.write('        ', 148);
  head.write(type, 156);
  head.write(link, 157, 100);
  head.write('ustar\x0000', 257);
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return [head, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)];
}
