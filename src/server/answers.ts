import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Logger } from '#host';
import { viaOf } from './change.ts';

/** Health checks come every few seconds and say nothing. */
const QUIET: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

/** One line a request, without what it carries: no query, no header, no body can hold a secret there. */
export function logRequests(app: FastifyInstance, log: Logger): void {
  app.addHook('onResponse', async ({ method, routeOptions, caller, ip, id }, { statusCode, elapsedTime }) => {
    const route = routeOptions.url ?? 'none';
    const who = caller === null ? {} : { caller: caller.name, via: viaOf(caller) };
    const line = { id, method, route, status: statusCode, ms: Math.round(elapsedTime), ip, ...who };
    if (QUIET.has(route)) log.debug(line, 'request');
    else log.info(line, 'request');
  });
}

/** What the API says is nobody else's to keep; the same answer again is told by its tag (RFC 9110, 8.8.3 and 13.1.2). */
export function tagAnswers(app: FastifyInstance): void {
  app.addHook('onSend', async ({ method, url, headers }, reply, payload: unknown) => {
    if (!url.startsWith('/api/')) return payload;
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'private, no-cache');
    if (method !== 'GET' || reply.statusCode !== 200 || typeof payload !== 'string') return payload;
    const tag = `"${createHash('sha256').update(payload).digest('base64url').slice(0, 27)}"`;
    void reply.header('etag', tag);
    const asked = (headers['if-none-match'] ?? '').split(',').map((word) => word.trim().replace(/^W\//, ''));
    if (!asked.includes(tag) && !asked.includes('*')) return payload;
    void reply.code(304).removeHeader('content-type').removeHeader('content-length');
    return null;
  });
}
