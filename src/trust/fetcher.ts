import type { Fetcher } from 'tuf-js';
import { DownloadHTTPError, DownloadLengthMismatchError } from 'tuf-js/dist/error.js';
import { hasCode } from '#domain';
import { fetchBytes, HttpStatusError } from '#host';
import { TrustError } from './error.ts';

const TIMEOUT_MS = 30_000;

/**
 * Fetches metadata for the TUF library: sizes capped, one deadline over each whole exchange, no redirects. It remembers
 * the last network fault, because the library drops causes and "offline" must be told apart from "refused".
 */
export class RememberingFetcher implements Fetcher {
  /** Why the last request failed on the network; null when it was answered. */
  networkFault: unknown = null;
  /** Called before each request. */
  readonly #onRequest: () => void;

  constructor(onRequest: () => void) {
    this.#onRequest = onRequest;
  }

  async downloadBytes(url: string, maxLength: number): Promise<Buffer> {
    this.networkFault = null;
    this.#onRequest();
    try {
      return await fetchBytes(url, { timeoutMs: TIMEOUT_MS, maxBytes: maxLength });
    } catch (error) {
      if (hasCode(error, 'http-too-large')) throw new DownloadLengthMismatchError('longer than the metadata allows');
      // 403 and 404 say "not there" (TUF 1.0, 5.3.3: no newer root); everything else is a fault of the network or server.
      if (error instanceof HttpStatusError && [403, 404].includes(error.status))
        throw new DownloadHTTPError(error.message, error.status);
      this.networkFault = error;
      throw error;
    }
  }

  /** Targets are fetched by `TrustedArchive.read`, never by the library: it would copy them in place, unsynced. */
  downloadFile(url: string): Promise<never> {
    throw new TrustError('metadata-invalid', 'us', { what: 'the library asked for a target by itself', where: url });
  }
}
