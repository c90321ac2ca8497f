import { join } from 'node:path';
import { type Clock, systemClock } from '#host';
import { isTarget, TufClient } from './client.ts';
import { MetadataFolder } from './folder.ts';
import { establishRoot } from './root.ts';

export interface OpenOptions {
  /** Base address of the archive: `metadata/` and `targets/` lie below it. */
  readonly url: string;
  /** The root metadata the host was set up with: the only thing it believes without a signature. */
  readonly root: Buffer;
  /** Folder for the metadata seen so far; what protects against rollback. */
  readonly state: string;
  readonly clock?: Clock;
}

/** What signed metadata says of a target, for callers that fetch it in their own way. */
export interface LocatedTarget {
  readonly url: string;
  readonly length: number;
  readonly custom: Readonly<Record<string, unknown>>;
  /** Are these its bytes? */
  is(content: Uint8Array): boolean;
}

/** An archive whose metadata was verified just now. */
export interface TrustedArchive {
  /** When today's timestamp stops being believed (ISO 8601). */
  readonly expires: string;
  /**
   * Content and custom metadata of a target, verified; undefined when the archive has none of this name.
   * Errors: archive-offline, target-missing, target-mismatch, those of `openArchive`.
   */
  read(
    path: string,
    maxBytes: number,
  ): Promise<{ content: Buffer; custom: Readonly<Record<string, unknown>> } | undefined>;
  /** Undefined when the archive has none of this name. Errors: those of `read`. */
  locate(path: string): Promise<LocatedTarget | undefined>;
}

/** Updates what this host knows of an archive, by the TUF client workflow. Errors: archive-offline, root-invalid, metadata-*. */
export async function openArchive(options: OpenOptions): Promise<TrustedArchive> {
  const { root, state, clock = systemClock } = options;
  const url = options.url.replace(/\/+$/, '');
  const folder = new MetadataFolder(join(state, 'metadata'), join(state, 'roots'));
  await establishRoot(folder, root);
  const client = await TufClient.refresh({ folder, metadataUrl: `${url}/metadata`, clock });
  return {
    expires: client.expires.toISOString().replace('.000Z', 'Z'),
    async read(path, maxBytes) {
      const target = await client.find(path);
      if (target === undefined) return undefined;
      return { content: await client.fetchTarget(`${url}/targets`, path, target, maxBytes), custom: target.custom };
    },
    async locate(path) {
      const target = await client.find(path);
      if (target === undefined) return undefined;
      return {
        url: `${url}/targets/${client.targetName(path, target)}`,
        length: target.length,
        custom: target.custom,
        is: (content) => isTarget(content, target),
      };
    },
  };
}
