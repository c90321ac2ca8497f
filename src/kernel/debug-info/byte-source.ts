/** What is read of an ELF file: an open file, or bytes that are in memory. */
export interface ByteSource {
  read(
    into: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number; readonly buffer: Buffer }>;
  close(): Promise<void>;
}

export function inMemory(bytes: Buffer): ByteSource {
  return {
    read: (into, offset, length, position) =>
      Promise.resolve({ bytesRead: bytes.copy(into, offset, position, position + length), buffer: into }),
    close: () => Promise.resolve(),
  };
}
