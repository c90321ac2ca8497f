import type { KernelPatch, PatchVersion } from '#domain';
import { type Clock, sha256 } from '#host';
import {
  type Composed,
  changeBetween,
  type FileDiff,
  PatchError,
  parseDiff,
  readEdited,
  refuseBuildFiles,
} from '#patch';
import { addVersion, needKernel, needPatch, newestVersion, type Store } from '#store';
import { type ComposePlace, composeFor, composeOptions } from './change.ts';
import { partOfPatch } from './opened.ts';
import { patchPlace } from './patch-place.ts';
import { nameOfKey, type PatchKey } from './patches.ts';

export interface EditPatchOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly kernel: string;
  readonly key: PatchKey;
  /** sha256 of the version the edit was made from, or its first 12 digits and more; null: there was none. */
  readonly base: string | null;
  /** The whole change as a unified diff, or a folder with every file of it as it shall be. */
  readonly edit: { readonly text: string; readonly where: string } | { readonly folder: string };
  readonly by: string;
  readonly note: string;
}

export interface EditedPatch {
  readonly patch: KernelPatch;
  readonly version: PatchVersion;
  /** False: the text is that of the newest version already. */
  readonly isNew: boolean;
}

/**
 * Stores what a person made of a patch as its next version. Errors: edit-outdated, naming both hashes; edit-unfinished (markers
 * left, a file missing); patch-does-not-apply and others of `composeFor`; patch-touches-build. Nothing is stored then.
 */
export async function editPatch(options: EditPatchOptions): Promise<EditedPatch> {
  const { store, clock, edit, by, note } = options;
  const kernel = await needKernel(store.db, options.kernel);
  const patch = await needPatch(store.db, kernel.id, nameOfKey(options.key));
  const newest = await newestVersion(store.db, patch.id);
  const base = fullBase(options.base, newest);
  const place = await patchPlace(store, options.kernel, null);
  const { text, reviewKey } =
    'folder' in edit ? await fromFolder(edit.folder, place, newest) : await fromText(edit.text, edit.where, place);
  refuseBuildFiles(parseDiff(text, patch.name), patch.name);
  if (newest !== undefined && base === newest.sha256 && text === newest.text)
    return { patch, version: newest, isNew: false };
  const made = { sha256: sha256(text), base, text, reviewKey, origin: { kind: 'edit' as const }, author: by, note };
  return { patch, version: await addVersion(store.db, patch, made, clock.now()), isNew: true };
}

function fullBase(given: string | null, newest: PatchVersion | undefined): string | null {
  const isNewest = given !== null && given.length >= 12 && newest?.sha256.startsWith(given) === true;
  return isNewest ? newest.sha256 : given;
}

/** Laid against the source and written anew: line numbers are right, and there is nothing around it. */
async function fromText(text: string, where: string, place: ComposePlace): Promise<Composed> {
  const marker = /^[ +-]?(?:<{7}|>{7}) .*$/m.exec(text);
  if (marker !== null) throw unfinished('a marker of a conflict is left in the change', where);
  return composeFor(place, [partOfPatch(text, where)]);
}

async function fromFolder(
  folder: string,
  place: ComposePlace,
  newest: PatchVersion | undefined,
): Promise<Pick<Composed, 'text' | 'reviewKey'>> {
  const edited = await readEdited(folder);
  const before: readonly FileDiff[] = newest === undefined ? [] : parseDiff(newest.text, 'stored');
  const { source } = composeOptions(place);
  const changed = new Map<string, { before: string | null; after: string | null }>();
  for (const [path, text] of edited) changed.set(path, { before: (await source.read(path)) ?? null, after: text });
  for (const { path, kind } of before.filter((file) => !edited.has(file.path))) {
    if (kind !== 'removed') throw unfinished(`the folder lacks ${path}, which the newest version changes`, folder);
    changed.set(path, { before: (await source.read(path)) ?? null, after: null });
  }
  return changeBetween(changed, folder);
}

function unfinished(what: string, where: string): PatchError {
  return new PatchError('edit-unfinished', 'input', {
    what,
    where,
    remedy: 'finish the edit, and give it again; nothing was stored',
  });
}
