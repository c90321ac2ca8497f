import * as z from 'zod';
import { problemSchema } from '#contract';
import { type Access, access } from './access.ts';

interface Operation {
  [name: string]: unknown;
  responses?: Record<string, unknown>;
}

interface Document {
  readonly paths?: Record<string, Record<string, Operation>>;
}

/** How a request says who it is from. */
export function securitySchemes(cookie: string): Record<string, object> {
  return {
    token: { type: 'http', scheme: 'bearer', description: 'An API token: "tuxtape token make".' },
    session: {
      type: 'apiKey',
      in: 'cookie',
      name: cookie,
      description: 'A login; what changes something needs x-csrf-token, too.',
    },
    builder: { type: 'http', scheme: 'bearer', description: 'The token of a builder: "tuxtape builder add".' },
  };
}

/** The document with what stands in the access table: who may call each operation, with what, and the form of every error. */
export function withAccess<T extends Document>(document: T): T {
  for (const [path, operations] of Object.entries(document.paths ?? {}))
    for (const [method, operation] of Object.entries(operations)) {
      const row = access[`${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`];
      if (row === undefined) continue;
      operation['operationId'] = operationId(method, path);
      operation['security'] = securityOf(row);
      operation['x-access'] = wordOf(row);
      operation.responses = { ...operation.responses, default: PROBLEM };
    }
  return document;
}

/** Who a row lets in, in words. */
export function wordOf(row: Access): string {
  if (!('on' in row)) return row.who === 'itself' ? 'builder' : row.who;
  return `${row.who.join(', ')} (${row.on})`;
}

const PROBLEM = {
  description: 'What went wrong (RFC 9457); `code` stays the same over versions',
  content: { 'application/problem+json': { schema: withoutDialect(z.toJSONSchema(problemSchema)) } },
};

function withoutDialect({ $schema: _dialect, ...schema }: Record<string, unknown>): Record<string, unknown> {
  return schema;
}

function securityOf(row: Access): object[] {
  if (row.who === 'anyone' || row.who === 'visitor') return [];
  return row.who === 'itself' ? [{ builder: [] }] : [{ token: [] }, { session: [] }];
}

/** `get /api/v1/kernels/{kernel}/holds` becomes `getKernelsKernelHolds`. */
function operationId(method: string, path: string): string {
  const words = path.replace('/api/v1', '').split(/\W+/);
  return method + words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
}
