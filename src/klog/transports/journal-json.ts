import { textOf } from '../bytes.ts';
import { cleaned } from '../clean.ts';
import { type Decoded, type LineDecoder, record } from './decoded.ts';

const MICROSECONDS = 1e6;

/** What `JSON.parse` made of an entry; every field may be of any type (systemd, "Journal JSON Format"). */
type Entry = Readonly<Record<string, unknown>>;

/**
 * Entries of `journalctl -o json`, `json-seq` and `json-sse`. Only journald writes fields that begin with `_`, so `_TRANSPORT` says who spoke; an
 * identifier does not.
 */
export class JournalJsonDecoder implements LineDecoder {
  readonly indents = false;
  readonly distrust = '_TRANSPORT is not kernel, or its facility is not 0: a program wrote it';

  decode(line: string): Decoded | undefined {
    const entry = entryOf(line);
    const text = entry === undefined ? undefined : messageOf(entry.MESSAGE);
    if (entry === undefined || text === undefined) return undefined;
    const { _TRANSPORT: transport, _SOURCE_MONOTONIC_TIMESTAMP: time } = entry;
    // What a program writes to /dev/kmsg comes by the same transport, with its facility.
    const facility = fieldOf(entry.SYSLOG_FACILITY) ?? '0';
    return record(cleaned(text), {
      time: seconds(fieldOf(time)),
      level: levelOf(fieldOf(entry.PRIORITY)),
      fromKernel: transport === 'kernel' && facility === '0',
    });
  }
}

function entryOf(line: string): Entry | undefined {
  const from = line.startsWith('data: ') ? 'data: '.length : 0; // json-sse
  if (line[from] !== '{') return undefined;
  try {
    const value: unknown = JSON.parse(line.slice(from));
    return typeof value === 'object' && value !== null ? (value as Entry) : undefined;
  } catch {
    return undefined; // cut, or a long entry
  }
}

/** Text, bytes where it is not printable, a list where the field stands more than once, null where it is too long. */
export function messageOf(value: unknown): string | undefined {
  if (!Array.isArray(value)) return typeof value === 'string' ? value : undefined;
  const values: readonly unknown[] = value;
  return bytesOf(values) ?? (typeof values[0] === 'string' ? values[0] : bytesOf(values[0]));
}

function bytesOf(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const values: readonly unknown[] = value;
  return values.every((item) => typeof item === 'number') ? textOf(Uint8Array.from(values)) : undefined;
}

/** A field that stands once. */
export function fieldOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? value : undefined;
}

function seconds(value: string | undefined): number | null {
  return value !== undefined && /^\d{1,17}$/.test(value) ? Number(value) / MICROSECONDS : null;
}

function levelOf(value: string | undefined): number | null {
  return value !== undefined && /^[0-7]$/.test(value) ? Number(value) : null;
}
