import type { Fault } from '#domain';
import { bytesOf, ElfError, readElf64 } from '#kernel';
import { LivepatchError } from './error.ts';

/**
 * The `.modinfo` section: key → values (a key such as `alias` may stand several times). Errors: module-unreadable, which is
 * ours unless the file was given by somebody.
 */
export function modinfo(elf: Buffer, where: string, fault: Fault = 'us'): Map<string, string[]> {
  const section = modinfoSection(elf, where, fault);
  const found = new Map<string, string[]>();
  for (const entry of section.toString('utf8').split('\0')) {
    const equals = entry.indexOf('=');
    if (equals < 0) continue;
    const [key, value] = [entry.slice(0, equals), entry.slice(equals + 1)];
    found.set(key, [...(found.get(key) ?? []), value]);
  }
  return found;
}

function modinfoSection(elf: Buffer, where: string, fault: Fault): Buffer {
  try {
    const table = readElf64(bytesOf(elf));
    const section = table.sections().find(({ name }) => name === '.modinfo');
    if (section) return table.content(section.index);
  } catch (cause) {
    if (!(cause instanceof ElfError)) throw cause;
    throw new LivepatchError('module-unreadable', fault, { what: cause.message, where, cause });
  }
  throw new LivepatchError('module-unreadable', fault, {
    what: 'the file is no kernel module: it has no .modinfo',
    where,
  });
}
