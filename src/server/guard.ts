import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Target } from '#domain';
import { csrfWord, sameWord } from '#identity';
import { findKernel } from '#store';
import { type Access, access } from './access.ts';
import { type Caller, type CallerOptions, callerOf, mayAct } from './caller.ts';
import { ServerError } from './error.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who makes this request; null: nobody we know. */
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    access?: Access;
  }
}

const LOOPBACK_NAMES = ['127.0.0.1', 'localhost', '[::1]'];
const READING = new Set(['GET', 'HEAD', 'OPTIONS']);
const CHANGES_PER_MINUTE = 300;

export interface GuardOptions extends CallerOptions {
  /** The address people reach this server at through a proxy, as `https://tuxtape.example.org`; null: only the loopback address. */
  readonly origin: string | null;
  readonly now: () => Date;
}

/** The row of a route. A HEAD is its GET. Errors: route-unlisted. */
export function accessOf(method: string, url: string): Access {
  const key = `${method === 'HEAD' ? 'GET' : method} ${url}`;
  if (Object.hasOwn(access, key)) return access[key]!;
  throw new ServerError('route-unlisted', 'us', { what: `${key} has no row in the access table`, where: 'access.ts' });
}

/** Puts every route under its row, and every request before it is read: host, caller, role, origin. Call it before any route. */
export function guard(app: FastifyInstance, options: GuardOptions): void {
  const { origin } = options;
  const names = new Set([...LOOPBACK_NAMES, ...(origin === null ? [] : [new URL(origin).hostname])]);
  app.decorateRequest('caller', null);
  app.addHook('onRoute', (route) => {
    const rows = [route.method].flat().map((method) => accessOf(method, route.url));
    const config = { ...route.config, access: rows[0]! };
    const changes = [route.method].flat().some((method) => !READING.has(method));
    // What changes something is limited per address, unless its route says how itself.
    if (changes && config.access.who !== 'itself')
      config.rateLimit ??= { max: CHANGES_PER_MINUTE, timeWindow: '1 minute' };
    route.config = config;
  });
  app.addHook('onRequest', async (request) => {
    // A page of another site may resolve its own name to this address: only the names of this host are answered.
    const name = request.headers.host?.replace(/:\d+$/, '') ?? '';
    if (!names.has(name))
      throw new ServerError('host-refused', 'untrusted', { what: 'this server answers to its own address only' });
    const row = request.routeOptions.config.access;
    if (row === undefined || row.who === 'itself' || row.who === 'anyone') return;
    request.caller = await callerOf(request, options, options.now());
    await admit(request, row, options);
    if (!READING.has(request.method)) refuseForeign(request, row, origin);
  });
}

async function admit(request: FastifyRequest, row: Access, { db }: GuardOptions): Promise<void> {
  const { caller } = request;
  if (row.who === 'visitor') return;
  if (caller === null || (row.who === 'account' && caller.account === null))
    throw new ServerError('login-needed', 'input', { what: 'log in, or send a token, to do this' });
  if (!('on' in row)) return;
  const target: Target = row.on === 'kernel' ? await kernelTarget(request, db) : { kind: row.on };
  if (mayAct(caller, row.who, target)) return;
  // A visitor of the loopback address can get an account; whoever has one lacks the role.
  if (caller.account === null)
    throw new ServerError('login-needed', 'input', { what: 'what changes something needs an account or a token' });
  throw new ServerError('forbidden', 'input', { what: `this needs ${row.who.join(' or ')} for what it is about` });
}

/** A kernel that does not exist is one nobody has a grant for, so that names cannot be tried out. */
async function kernelTarget({ params }: FastifyRequest, db: GuardOptions['db']): Promise<Target> {
  const name = (params as { kernel?: string }).kernel ?? '';
  const kernel = name.length > 200 ? undefined : await findKernel(db, name);
  return kernel === undefined ? { kind: 'all' } : { kind: 'kernel', id: kernel.id };
}

/** A browser that acts in a session must come from a page of ours, and know the session's word; a token is no browser's. */
function refuseForeign({ caller, headers }: FastifyRequest, { who }: Access, origin: string | null): void {
  if (caller?.as === 'token') return;
  const site = headers['sec-fetch-site'];
  const from = headers.origin;
  const own = new Set([`http://${headers.host}`, `https://${headers.host}`, ...(origin === null ? [] : [origin])]);
  const isForeign =
    (from !== undefined && !own.has(from)) || (site !== undefined && site !== 'same-origin' && site !== 'none');
  const word = headers['x-csrf-token'];
  const lacksWord =
    // A login begins a session of its own, whatever session the browser is in.
    who !== 'visitor' &&
    caller !== null &&
    caller.session !== null &&
    (typeof word !== 'string' || !sameWord(word, csrfWord(caller.session.secret)));
  if (isForeign || lacksWord)
    throw new ServerError('csrf-refused', 'untrusted', {
      what: 'this request does not come from a page of this server',
      remedy: 'send the word of the session (GET /api/v1/session) in the header x-csrf-token',
    });
}
