import { refused } from './error.ts';
import type { Json, JsonObject } from './json.ts';

/** Where a value stands: the file, and the path of keys within. Every check of this file throws metadata-invalid. */
export interface Place {
  readonly file: string;
  readonly path: string;
}

/** A path that a hostile file makes long is cut: it goes into messages. */
const MAX_PATH = 200;

export function within(place: Place, key: string): Place {
  return { file: place.file, path: (place.path === '' ? key : `${place.path}.${key}`).slice(0, MAX_PATH) };
}

export function malformed(place: Place, what: string): never {
  throw refused('metadata-invalid', `the metadata is not in its form: ${place.path || 'it'} ${what}`, place.file);
}

export function objectAt(value: Json | undefined, place: Place): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) malformed(place, 'is not an object');
  return value as JsonObject;
}

export function listAt(value: Json | undefined, place: Place): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : malformed(place, 'is not a list');
}

export function textAt(value: Json | undefined, place: Place): string {
  return typeof value === 'string' ? value : malformed(place, 'is not a text');
}

export function flagAt(value: Json | undefined, place: Place): boolean {
  return typeof value === 'boolean' ? value : malformed(place, 'is not true or false');
}

/** Numbers are integers already: the reader takes no others. */
export function integerAt(value: Json | undefined, min: number, place: Place): number {
  if (typeof value !== 'number') malformed(place, 'is not a number');
  return value >= min ? value : malformed(place, `is less than ${min}`);
}

export function textsAt(value: Json | undefined, place: Place): readonly string[] {
  return listAt(value, place).map((item, index) => textAt(item, within(place, String(index))));
}

/** Milliseconds since 1970. The one form of TUF 1.0, 4.2.3, and only days that exist. */
export function dateTimeAt(value: Json | undefined, place: Place): number {
  return dateTime(textAt(value, place)) ?? malformed(place, 'is not a time such as 2030-01-01T00:00:00Z');
}

export function dateTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) return undefined;
  const time = Date.parse(text);
  const same = !Number.isNaN(time) && new Date(time).toISOString() === text.replace('Z', '.000Z');
  return same ? time : undefined;
}
