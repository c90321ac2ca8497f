import type { BuildId } from './kernel.ts';

const NT_GNU_BUILD_ID = 3;
const GNU = [0x47, 0x4e, 0x55, 0];

/**
 * Finds the GNU build-id in a run of little-endian ELF notes (elf(5)), as the .notes section of a vmlinux and
 * /sys/kernel/notes hold them. Names and descriptors are padded to 4 bytes. Undefined where there is none.
 */
export function buildIdOfNotes(notes: Uint8Array): BuildId | undefined {
  const view = new DataView(notes.buffer, notes.byteOffset, notes.byteLength);
  let at = 0;
  while (at + 12 <= notes.length) {
    const nameSize = view.getUint32(at, true);
    const descSize = view.getUint32(at + 4, true);
    const name = at + 12;
    const desc = name + padded(nameSize);
    if (desc + descSize > notes.length) return undefined;
    const isGnu = nameSize === GNU.length && GNU.every((byte, i) => notes[name + i] === byte);
    if (isGnu && view.getUint32(at + 8, true) === NT_GNU_BUILD_ID) {
      return Array.from(notes.subarray(desc, desc + descSize), (byte) => byte.toString(16).padStart(2, '0')).join('');
    }
    at = desc + padded(descSize);
  }
  return undefined;
}

function padded(size: number): number {
  return Math.ceil(size / 4) * 4;
}
