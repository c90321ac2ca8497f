import { InvalidArgumentError } from 'commander';

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 };
const BYTES: Readonly<Record<string, number>> = { M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };
/** The queue gives no longer lease than a day. */
const LONGEST = 23 * 3_600;
const LEAST_BYTES = 64 * 2 ** 20;

/** `90s`, `30m`, `4h` as seconds. Errors: usage (commander). */
export function duration(text: string): number {
  const [, number, unit] = /^(\d{1,6})([smh])$/.exec(text) ?? [];
  const seconds = Number(number) * (SECONDS[unit ?? ''] ?? Number.NaN);
  if (seconds >= 1 && seconds <= LONGEST) return seconds;
  throw new InvalidArgumentError('a time from 1s to 23h is wanted, as 90s, 30m or 4h');
}

/** `512M`, `8G` as bytes. Errors: usage (commander). */
export function byteSize(text: string): number {
  const [, number, unit] = /^(\d{1,6})([MGT])$/.exec(text) ?? [];
  const bytes = Number(number) * (BYTES[unit ?? ''] ?? Number.NaN);
  if (bytes >= LEAST_BYTES && Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError('a size from 64M is wanted, as 512M or 8G');
}

/** `1h 4m`, `12 s`. */
export function durationText(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
