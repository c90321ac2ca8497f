import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GateRecord, type LivepatchRecipe, type RecipeFinding, type Reviewer } from '#domain';
import { sha256, systemClock } from '#host';
import { keyIdOf, makeKeyFile, publicPem } from '#livepatch';
import { addBundledKernel, approveLivepatch, keepGate, type LivepatchApprovals } from '#pipeline';
import { addLivepatch, addReviewer, type LivepatchRow, needLivepatch, type Store } from '#store';
import { bundle } from './archive.ts';
import { testStore } from './database.ts';
import { scratch } from './scratch.ts';

const NAMES = ['jane', 'omar'];
const REASON = 'read the change, its findings and its proof';

type Cli = (...args: string[]) => Promise<unknown>;

/** Real people say yes through the command line, as many as it takes; what the lint says is accepted by name. Returns who. */
export async function approveByCli(tuxtape: Cli, keys: string, livepatch: string): Promise<string[]> {
  const { needed, accept } = (await tuxtape('livepatch', 'approvals', livepatch)) as {
    needed: number;
    accept: string[];
  };
  const names = NAMES.slice(0, needed);
  const listed = ((await tuxtape('reviewer', 'list')) as { name: string }[]).map(({ name }) => name);
  for (const name of names) {
    const key = join(keys, `${name}.pem`);
    if (!listed.includes(name)) {
      const made = (await tuxtape('reviewer', 'make', name, '--key', key)) as { public: string };
      await tuxtape('reviewer', 'add', name, '--public', made.public);
    }
    const accepted = accept.flatMap((code) => ['--accept', code]);
    await tuxtape('livepatch', 'approve', livepatch, '--key', key, '--reason', REASON, ...accepted);
  }
  return names;
}

/** A proved livepatch in a real store and folder, and who may say yes to it. */
export interface ReviewSetting {
  readonly store: Store;
  readonly home: string;
  readonly dataDirectory: string;
  readonly livepatch: LivepatchRow;
}

export const GRAVE: RecipeFinding = {
  code: 'layout-may-change',
  level: 'two-approvals',
  path: 'fs/x.c',
  line: 7,
  what: 'a structure may grow',
  why: 'old objects are smaller',
  remedy: 'look for them',
};

/** `recipe`: what differs from a change that fits exactly, of which the lint says nothing, built by "builder". */
export async function reviewSetting(
  recipe: Partial<LivepatchRecipe> = {},
  gate: Partial<GateRecord> = {},
): Promise<ReviewSetting> {
  const [store, home] = [await testStore(), await scratch()];
  const dataDirectory = join(home, 'data');
  const kernel = await addBundledKernel(store);
  const made = await addProvable({ store, dataDirectory }, kernel.id, 'one', recipe);
  const livepatch = await keepGate(store, dataDirectory, made.livepatch, { ...made.gate, ...gate });
  return { store, home, dataDirectory, livepatch };
}

/** A livepatch that is built, not proved; and the record that its proof would make. */
export async function addProvable(
  { store, dataDirectory }: Pick<ReviewSetting, 'store' | 'dataDirectory'>,
  kernelId: string,
  id: string,
  part: Partial<LivepatchRecipe> = {},
  text?: string,
): Promise<{ livepatch: LivepatchRow; gate: GateRecord }> {
  const { module, moduleName, patch, gate, ...rest } = bundle(`tuxtape_${id}`);
  const plain = { fit: { how: 'exact', remarks: [] }, findings: [], authors: ['builder'], versions: [] };
  const recipe = { ...rest.recipe, ...plain, ...(text === undefined ? {} : { patchSha256: sha256(text) }), ...part };
  const directory = join(dataDirectory, 'livepatches', id);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'module.ko'), module);
  await writeFile(join(directory, 'change.patch'), text ?? patch);
  await writeFile(join(directory, 'recipe.json'), JSON.stringify(recipe));
  const row = { id, kernelId, moduleName, moduleSha256: gate.moduleSha256, directory, recipe, builtAt: new Date() };
  await addLivepatch(store.db, row);
  return { livepatch: await needLivepatch(store.db, id), gate };
}

/** Makes a key and lets its owner approve; returns the file of the key. */
export async function newReviewer(
  { store, home }: Pick<ReviewSetting, 'store' | 'home'>,
  name: string,
  part: Partial<Reviewer> = {},
): Promise<string> {
  const file = join(home, `${name}-${Math.random().toString(36).slice(2)}.pem`);
  const key = await makeKeyFile(file, null);
  const who = { name, aliases: [], keyId: keyIdOf(key), publicKey: publicPem(key) };
  await addReviewer(store.db, { ...who, addedBy: 'admin', addedAt: new Date(), ...part });
  return file;
}

export function approve(
  { store, dataDirectory, livepatch }: ReviewSetting,
  keyFile: string,
  accept: readonly string[] = [],
): Promise<LivepatchApprovals> {
  const options = { store, dataDirectory, livepatch: livepatch.id, keyFile, passphrase: null, clock: systemClock };
  return approveLivepatch({ ...options, reason: REASON, accept });
}
