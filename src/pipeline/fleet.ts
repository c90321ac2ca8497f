import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Fleet, type ModuleFacts, StageError } from '#domain';
import { type Clock, readLimited } from '#host';
import { type HostList, KernelError, MAX_HOST_LIST_BYTES, parseHostList, targetsOf } from '#kernel';
import { type Db, hostModulesOf, inTransaction, type KernelRow, putHostModules, type Store } from '#store';
import { profileOf } from './kernel.ts';
import { moduleFactsOf } from './modules.ts';

const DAY_MS = 86_400_000;
/** Seconds after which a host's list says nothing any more, unless `fleet.list-age` says otherwise. */
export const HOST_LIST_SECONDS = 7 * 86_400;
const MAX_LISTS = 200_000;

/** What is known now of the hosts of a kernel; null where nothing is: no module data and no list. */
export async function fleetOf(
  db: Db,
  kernel: KernelRow,
  now: Date,
  seconds = HOST_LIST_SECONDS,
): Promise<Fleet | null> {
  const facts = await moduleFactsOf(db, kernel);
  const lists = await hostModulesOf(db, kernel.id);
  if (facts === null && lists.length === 0) return null;
  const reports = lists.filter(({ at }) => now.getTime() - at.getTime() <= seconds * 1000);
  const days = Math.round((seconds * 1000) / DAY_MS) || 1;
  return { facts, reports, silent: lists.length - reports.length, days };
}

/** What came of the files with hosts' lists. */
export interface AddedHosts {
  /** Hosts whose list is stored now. */
  readonly added: readonly string[];
  /** Hosts of which a newer list was there. */
  readonly kept: readonly string[];
  readonly refused: readonly { readonly file: string; readonly code: string; readonly why: string }[];
}

/**
 * Stores the lists of modules in these files, or folders of files. One that cannot be read, or is of another kernel, is
 * refused by name and stops no other. Errors: those of #host for a path that is not there.
 */
export async function addHosts(options: {
  readonly store: Store;
  readonly kernel: KernelRow;
  readonly paths: readonly string[];
  readonly clock: Clock;
}): Promise<AddedHosts> {
  const { store, kernel, clock } = options;
  const known = await knownModules(store.db, kernel);
  const lists = new Map<string, HostList>();
  const refused: { file: string; code: string; why: string }[] = [];
  for (const file of await filesOf(options.paths)) {
    try {
      const list = ofThisKernel(await readList(file, clock.now()), kernel, known, file);
      const other = lists.get(list.host);
      if (other === undefined || other.at <= list.at) lists.set(list.host, list);
    } catch (error) {
      if (!(error instanceof StageError)) throw error;
      refused.push({ file, code: String(error.code), why: `${error.message} (${error.where ?? file})` });
    }
  }
  const added = await inTransaction(store.db, (tx) => putHostModules(tx, kernel.id, [...lists.values()]));
  const stored = new Set(added);
  return { added: added.toSorted(), kept: [...lists.keys()].filter((host) => !stored.has(host)).toSorted(), refused };
}

async function filesOf(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const isFolder = (await stat(path).catch(() => null))?.isDirectory() === true;
    if (!isFolder) files.push(path);
    else
      for (const entry of await readdir(path, { withFileTypes: true }))
        if (entry.isFile() && !entry.name.startsWith('.')) files.push(join(path, entry.name));
    if (files.length > MAX_LISTS)
      throw new KernelError('host-list-unreadable', 'input', {
        what: `there are more than ${MAX_LISTS} files`,
        where: path,
        remedy: 'give a folder that holds one list a host',
      });
  }
  return files.toSorted();
}

async function readList(file: string, now: Date): Promise<HostList> {
  const text = (await readLimited(file, MAX_HOST_LIST_BYTES)).toString('utf8');
  const { mtime } = await stat(file);
  return parseHostList(text, file, mtime > now ? now : mtime, now);
}

/** What this kernel says of its modules; `names` null where nothing says which it can have. */
interface Known {
  readonly facts: ModuleFacts | null;
  readonly names: ReadonlySet<string> | null;
}

async function knownModules(db: Db, kernel: KernelRow): Promise<Known> {
  const facts = await moduleFactsOf(db, kernel);
  if (facts !== null) return { facts, names: new Set(facts.modules.keys()) };
  const profile = await profileOf(db, kernel);
  const targets = profile === null ? [] : [...targetsOf(profile).keys()];
  const modules = targets.filter((name) => name !== 'vmlinux' && name !== 'image');
  return { facts, names: modules.length === 0 ? null : new Set(modules) };
}

/**
 * A host may have modules of its own (out of tree); one that has modules and none of this kernel's runs another. A module
 * is never loaded without those it needs, so a list without them was cut off, or is of another build.
 * Errors: host-list-other-kernel.
 */
function ofThisKernel(list: HostList, kernel: KernelRow, { facts, names }: Known, file: string): HostList {
  const { host, release, buildId, modules } = list;
  const other = (what: string): KernelError =>
    new KernelError('host-list-other-kernel', 'input', {
      what: `host ${host} runs another kernel: ${what}`,
      where: basename(file),
      remedy: `add it to the kernel it runs; it is not counted for "${kernel.name}"`,
    });
  if (buildId !== null && buildId.toLowerCase() !== kernel.buildId)
    throw other(`its build-id is not ${kernel.buildId ?? 'known: this kernel is not built'}`);
  if (release !== null && buildId === null && release !== kernel.release)
    throw other(`its release is not ${kernel.release ?? 'known: this kernel is not built'}`);
  if (names !== null && modules.size > 0 && ![...modules].some((name) => names.has(name)))
    throw other('none of its modules is one of this kernel');
  for (const name of modules) {
    const lost = facts?.modules.get(name)?.needs.find((needed) => !modules.has(needed));
    if (lost !== undefined)
      throw other(`${name} needs ${lost} here, which is not in the list; or the list was cut off`);
  }
  return list;
}
