import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LivepatchRecipe } from '#domain';
import { formatIdentity, isAlive, makeFolders, parseIdentity, self, writeAtomic } from '#host';
import type { Provenance } from '#livepatch';

/** Where one livepatch is made and kept. `kept` appears whole; the log stays where it is, whatever comes of the build. */
export interface Place {
  readonly work: string;
  readonly staging: string;
  readonly kept: string;
  readonly log: string;
  /** Which process is at work here: the first file to appear and the last to go. */
  readonly owner: string;
}

const OWNER = '.owner';

/**
 * Makes the place of livepatch `id` in `folder`, and clears what builds that were killed left there: everything of a
 * dead owner but the log, unless the store lists the livepatch.
 */
export async function makePlace(
  folder: string,
  id: string,
  isListed: (id: string) => Promise<boolean>,
): Promise<Place> {
  await makeFolders(folder);
  for (const name of await readdir(folder)) {
    const owned = name.endsWith(OWNER) ? placeOf(folder, name.slice(0, -OWNER.length)) : undefined;
    if (owned === undefined || (await hasLivingOwner(owned))) continue;
    if (await isListed(name.slice(0, -OWNER.length))) await endWork(owned);
    else await clear(owned);
  }
  const place = placeOf(folder, id);
  await writeAtomic(place.owner, formatIdentity(self()));
  await mkdir(place.work);
  return place;
}

/** Puts a finished livepatch into its folder, in one step. */
export async function keep(
  { staging, kept }: Place,
  content: { module: Buffer; patch: string; recipe: LivepatchRecipe; provenance: Provenance },
): Promise<void> {
  await mkdir(staging);
  await writeAtomic(join(staging, 'module.ko'), content.module);
  await writeAtomic(join(staging, 'change.patch'), content.patch);
  await writeAtomic(join(staging, 'recipe.json'), `${JSON.stringify(content.recipe, null, 2)}\n`);
  await writeAtomic(join(staging, 'provenance.json'), `${JSON.stringify(content.provenance, null, 2)}\n`);
  await rename(staging, kept);
}

/** Ends the work on a livepatch that is kept and listed. */
export async function endWork({ work, staging, owner }: Place): Promise<void> {
  for (const path of [work, staging, owner]) await rm(path, { recursive: true, force: true });
}

/** Removes everything of a livepatch that came to nothing, except its log. */
export async function clear(place: Place): Promise<void> {
  await rm(place.kept, { recursive: true, force: true });
  await endWork(place);
}

function placeOf(folder: string, id: string): Place {
  const at = (suffix: string): string => join(folder, `${id}${suffix}`);
  return { work: at('.part'), staging: at('.new'), kept: at(''), log: at('.log'), owner: at(OWNER) };
}

async function hasLivingOwner({ owner }: Place): Promise<boolean> {
  const identity = parseIdentity(await readFile(owner, 'utf8').catch(() => ''));
  return identity !== undefined && isAlive(identity);
}
