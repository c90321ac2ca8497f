import type { CveId, KernelPatch, PatchVersion } from '#domain';
import { type ComposePart, PatchError } from '#patch';
import { findPatch, type KernelRow, patchVersions, type Store } from '#store';

/** The newest version of an opened patch, as a part to compose. */
export interface OpenedPart {
  readonly patch: KernelPatch;
  readonly version: PatchVersion;
  /** Everybody who wrote a version of it. */
  readonly authors: readonly string[];
  readonly part: ComposePart;
}

/** Undefined: no patch of this name was opened. Errors: edit-unfinished. */
export async function openedPart(
  store: Store,
  kernel: KernelRow,
  name: string,
  cve: CveId | null,
): Promise<OpenedPart | undefined> {
  const patch = await findPatch(store.db, kernel.id, name);
  if (patch === undefined) return undefined;
  const versions = await patchVersions(store.db, patch.id);
  const version = versions.at(-1);
  if (version === undefined) throw unfinished(name);
  const authors = [...new Set(versions.map(({ author }) => author))];
  return {
    patch,
    version,
    authors,
    part: partOfPatch(version.text, `version ${version.number} of patch ${name}`, cve),
  };
}

/** A change that a person gives, as a part; with a CVE: what is to be taken for its fix. */
export function partOfPatch(text: string, where: string, cve: CveId | null = null): ComposePart {
  return { cve, fixes: [{ commit: null, version: '', branch: 'unknown', date: null, text, where }] };
}

function unfinished(name: string): PatchError {
  return new PatchError('edit-unfinished', 'input', {
    what: 'the patch was opened, does not fit by itself, and nobody has joined it by hand yet',
    where: name,
    remedy: 'store what becomes of it with "tuxtape patch edit"',
  });
}
