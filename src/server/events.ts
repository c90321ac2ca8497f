import { PassThrough } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { roles } from '#domain';
import type { Logger } from '#host';
import type { Store, StoreEvent } from '#store';
import { type Caller, mayAct } from './caller.ts';
import { ServerError } from './error.ts';

const MAX_STREAMS = 500;
const MAX_STREAMS_OF_ONE = 20;
/** A reader that is so far behind is sent away; it comes back and reads everything anew. */
const MAX_BEHIND_BYTES = 256 << 10;
const BEAT_MS = 15_000;
/** A stream ends after so long and its reader asks again: whoever lost a role meanwhile is told nothing more. */
const LONGEST_MS = 300_000;
const RETRY_MS = 3_000;

interface Reader {
  readonly caller: Caller;
  readonly stream: PassThrough;
}

/** What happens, told to readers as it is committed: at this server and at every other on the same database. */
export class Events {
  readonly #readers = new Set<Reader>();
  readonly #store: Store;
  readonly #log: Logger;
  #listening: Promise<{ stop(): Promise<void> }> | undefined;

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** A stream of lines for one reader. Errors: too-many. */
  async open(caller: Caller): Promise<PassThrough> {
    const own = [...this.#readers].filter((reader) => reader.caller.name === caller.name).length;
    if (this.#readers.size >= MAX_STREAMS || own >= MAX_STREAMS_OF_ONE)
      throw new ServerError('too-many', 'input', { what: 'too many streams of events are open' });
    await this.#listen();
    const stream = new PassThrough();
    const reader = { caller, stream };
    this.#readers.add(reader);
    const beat = setInterval(() => void stream.write(':\n\n'), BEAT_MS);
    const end = setTimeout(() => void stream.end(), LONGEST_MS);
    stream.once('close', () => {
      clearInterval(beat);
      clearTimeout(end);
      this.#readers.delete(reader);
    });
    // Whatever happened before is not told: the reader reads what it shows now.
    stream.write(`retry: ${RETRY_MS}\nevent: hello\ndata: {}\n\n`);
    return stream;
  }

  /** Ends every stream, then the connection that heard for them. */
  async close(): Promise<void> {
    this.#end();
    const listening = this.#listening;
    this.#listening = undefined;
    await (await listening?.catch(() => undefined))?.stop();
  }

  async #listen(): Promise<void> {
    this.#listening ??= this.#store.listen(
      (event) => this.#tell(event),
      () => {
        this.#log.warn('the connection that hears of events broke; readers begin anew');
        this.#listening = undefined;
        this.#end();
      },
    );
    try {
      await this.#listening;
    } catch (error) {
      this.#listening = undefined;
      throw error;
    }
  }

  #tell(event: StoreEvent): void {
    const text = `event: change\ndata: ${JSON.stringify(event)}\n\n`;
    for (const { caller, stream } of this.#readers) {
      if (!mayHear(caller, event)) continue;
      if (stream.writableLength > MAX_BEHIND_BYTES) stream.destroy();
      else stream.write(text);
    }
  }

  #end(): void {
    for (const { stream } of this.#readers) stream.end();
  }
}

function mayHear(caller: Caller, { topic, kernel }: StoreEvent): boolean {
  if (topic === 'audit') return mayAct(caller, ['admin'], { kind: 'all' });
  if (topic === 'rollout') return mayAct(caller, roles, { kind: 'all' });
  return kernel === null || mayAct(caller, roles, { kind: 'kernel', id: kernel });
}

/** Server-sent events (HTML standard, 9.2): what to read again, as it changes. */
export function registerEventRoutes(app: FastifyInstance, events: Events): void {
  app.addHook('preClose', () => events.close());
  app.get('/api/v1/events', { schema: { hide: true } }, async ({ caller }, reply) => {
    const stream = await events.open(caller!);
    return reply
      .type('text/event-stream')
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no')
      .send(stream);
  });
}
