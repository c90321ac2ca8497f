/** ELF files made by hand, as elf(5) lays them out: the sections, their names, and the section table last. */

export interface ElfPart {
  readonly name: string;
  /** sh_type; 1 is PROGBITS. */
  readonly type?: number;
  readonly flags?: number;
  readonly content?: Buffer;
  /** Bytes it has in memory, where the file has none of them (type 8, NOBITS). */
  readonly size?: number;
  readonly link?: number;
  readonly info?: number;
}

export interface ElfShape {
  readonly wide?: boolean;
  readonly little?: boolean;
  readonly machine?: number;
  readonly type?: number;
  /** Count and index of the names stand in the first section header, as they must with 65,280 sections. */
  readonly extended?: boolean;
}

export interface ElfSymbol {
  readonly name: string;
  /** STT_*: 2 is a function, 3 a section. */
  readonly type: number;
  readonly section: number;
}

/** Section 0 is the empty one, `parts` are 1 and up, the last one has the names. */
export function makeElf(parts: readonly ElfPart[], shape: ElfShape = {}): Buffer {
  const { wide = true, type = 1, machine = 62, extended = false } = shape;
  const write = writer(shape);
  const names = Buffer.from(['', ...parts.map(({ name }) => name), '.shstrtab', ''].join('\0'), 'latin1');
  const all: ElfPart[] = [...parts, { name: '.shstrtab', type: 3, content: names }];
  let offset = wide ? 64 : 52;
  const bodies: Buffer[] = [];
  const headers = [
    extended ? write.header({ size: all.length + 1, link: all.length }) : Buffer.alloc(wide ? 64 : 40),
    ...all.map(({ name, type: kind = 1, flags = 0, content = Buffer.alloc(0), size, link = 0, info = 0 }) => {
      const at = { name: names.indexOf(`\0${name}\0`) + 1, kind, flags, offset, link, info };
      const header = write.header({ ...at, size: size ?? content.length });
      bodies.push(content);
      offset += content.length;
      return header;
    }),
  ];
  const numbers = extended ? [0, 0xffff] : [headers.length, all.length];
  return Buffer.concat([write.start({ type, machine, table: offset, numbers }), ...bodies, ...headers]);
}

/** A symbol table and its names, for sections of types 2 and 3. */
export function makeSymbols(symbols: readonly ElfSymbol[], shape: ElfShape = {}): [Buffer, Buffer] {
  const names = Buffer.from(['', ...symbols.map(({ name }) => name), ''].join('\0'), 'latin1');
  const { int, half, wide } = writer(shape);
  const entries = symbols.map(({ name, type, section }) => {
    const entry = Buffer.alloc(wide ? 24 : 16);
    int(entry, 0, names.indexOf(`\0${name}\0`) + 1);
    entry[wide ? 4 : 12] = 0x10 | type;
    half(entry, wide ? 6 : 14, section);
    return entry;
  });
  return [Buffer.concat([Buffer.alloc(wide ? 24 : 16), ...entries]), names];
}

interface Header {
  readonly name?: number;
  readonly kind?: number;
  readonly flags?: number;
  readonly offset?: number;
  readonly size?: number;
  readonly link?: number;
  readonly info?: number;
}

interface Start {
  readonly type: number;
  readonly machine: number;
  readonly table: number;
  readonly numbers: readonly number[];
}

function writer({ wide = true, little = true }: ElfShape) {
  const half = (to: Buffer, at: number, value: number): unknown =>
    little ? to.writeUInt16LE(value, at) : to.writeUInt16BE(value, at);
  const int = (to: Buffer, at: number, value: number): unknown =>
    little ? to.writeUInt32LE(value, at) : to.writeUInt32BE(value, at);
  const long = (to: Buffer, at: number, value: number): unknown => {
    if (!wide) return int(to, at, value);
    return little ? to.writeBigUInt64LE(BigInt(value), at) : to.writeBigUInt64BE(BigInt(value), at);
  };
  const header = ({ name = 0, kind = 0, flags = 0, offset = 0, size = 0, link = 0, info = 0 }: Header): Buffer => {
    const bytes = Buffer.alloc(wide ? 64 : 40);
    const [flagsAt, offsetAt, sizeAt, linkAt] = wide ? ([8, 24, 32, 40] as const) : ([8, 16, 20, 24] as const);
    int(bytes, 0, name);
    int(bytes, 4, kind);
    long(bytes, flagsAt, flags);
    long(bytes, offsetAt, offset);
    long(bytes, sizeAt, size);
    int(bytes, linkAt, link);
    int(bytes, linkAt + 4, info);
    return bytes;
  };
  const start = ({ type, machine, table, numbers }: Start): Buffer => {
    const bytes = Buffer.alloc(wide ? 64 : 52);
    bytes.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, little ? 1 : 2, 1]);
    half(bytes, 16, type);
    half(bytes, 18, machine);
    long(bytes, wide ? 40 : 32, table);
    for (const [i, value] of [wide ? 64 : 40, ...numbers].entries()) half(bytes, (wide ? 58 : 46) + i * 2, value);
    return bytes;
  };
  return { wide, half, int, header, start };
}
