import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { ServerError } from '../error.ts';

/** The server, with routes typed by their schemas. */
export type TypedApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Splits one line more than was asked for into the page, and where the next one begins. */
export function countedPage<Row>(
  rows: readonly Row[],
  limit: number,
  offset: number,
): { readonly page: readonly Row[]; readonly next: string | null } {
  const more = rows.length > limit;
  return { page: rows.slice(0, limit), next: more ? String(offset + limit) : null };
}

/** A cursor that names the last line of a page: base64url of JSON. */
export function cursorOf(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** Errors: cursor-invalid, when it is not of this list. */
export function readCursor(cursor: string, shape: readonly RegExp[]): string[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    const isPart = (part: unknown, i: number): boolean => typeof part === 'string' && shape[i]?.test(part) === true;
    if (Array.isArray(parts) && parts.length === shape.length && parts.every(isPart)) return parts as string[];
  } catch {
    // Said below.
  }
  throw new ServerError('cursor-invalid', 'input', { what: 'this cursor is not of this list' });
}
