import { hasCode } from '#domain';
import { type Clock, fetchBytes, HttpStatusError } from '#host';
import { refused, TrustError } from './error.ts';
import { limits } from './limits.ts';

/** Statuses that say "not there"; every other one is a fault of the network or the server. */
const NOT_THERE = [403, 404];

/** How bytes come from an address: `fetchBytes`, or its like for an archive that lies in a folder, with the errors of `fetchBytes`. */
export type Fetch = (
  url: string,
  options: { readonly timeoutMs: number; readonly maxBytes: number },
) => Promise<Buffer>;

/**
 * The archive as a host sees it: sizes capped while they are read, a deadline over each whole exchange and over all of them,
 * no redirects. What cannot be reached is told from what is refused, with its cause.
 */
export class Remote {
  readonly #url: string;
  readonly #clock: Clock;
  readonly #end: number;
  readonly #get: Fetch;

  constructor(url: string, clock: Clock, fetch: Fetch = fetchBytes) {
    this.#get = fetch;
    this.#url = url.replace(/\/+$/, '');
    this.#clock = clock;
    this.#end = clock.monotonicMs() + limits.updateMs;
  }

  at(name: string): string {
    return `${this.#url}/${name}`;
  }

  /** Undefined when it is not there. Errors: archive-offline, metadata-invalid (longer than it may be). */
  async metadata(name: string, maxBytes: number): Promise<Buffer | undefined> {
    const url = this.at(name);
    const timeoutMs = Math.min(limits.metadataMs, Math.ceil(this.#end - this.#clock.monotonicMs()));
    try {
      if (timeoutMs <= 0) throw new TrustError('archive-offline', 'network', slow(url));
      return await this.#get(url, { timeoutMs, maxBytes });
    } catch (error) {
      if (error instanceof HttpStatusError && NOT_THERE.includes(error.status)) return undefined;
      if (hasCode(error, 'http-too-large'))
        throw refused('metadata-invalid', `the metadata is longer than the ${maxBytes} bytes it may have`, url, error);
      throw offline(error, url);
    }
  }

  /** Errors: metadata-missing, those of `metadata`. */
  async requiredMetadata(name: string, maxBytes: number): Promise<Buffer> {
    const bytes = await this.metadata(name, maxBytes);
    if (bytes !== undefined) return bytes;
    throw new TrustError('metadata-missing', 'network', {
      what: 'the archive does not serve metadata that it has to have',
      where: this.at(name),
      remedy: 'check the address of the archive; if it is right, ask who runs it',
    });
  }

  /** A target of at most `length` bytes. Errors: archive-offline, target-missing, target-mismatch. */
  async target(name: string, length: number): Promise<Buffer> {
    const url = this.at(name);
    try {
      return await this.#get(url, { timeoutMs: limits.targetMs, maxBytes: length });
    } catch (error) {
      if (hasCode(error, 'http-too-large'))
        throw refused('target-mismatch', 'the target is longer than its metadata says', url, error);
      if (error instanceof HttpStatusError)
        throw new TrustError('target-missing', 'network', {
          what: `the archive lists a target it does not serve (${error.status})`,
          where: url,
          cause: error,
        });
      throw offline(error, url);
    }
  }
}

function slow(url: string): { what: string; where: string; remedy: string } {
  return {
    what: `the archive took longer than ${limits.updateMs / 1000} s for its metadata`,
    where: url,
    remedy: 'check the network; the host keeps the state it has',
  };
}

function offline(cause: unknown, url: string): TrustError {
  if (cause instanceof TrustError) return cause;
  return new TrustError('archive-offline', 'network', {
    what: 'the archive cannot be reached',
    where: url,
    remedy: 'check the network; the host keeps the state it has',
    cause,
  });
}
