import { join } from 'node:path';
import { hasCode, type ModuleFacts } from '#domain';
import { decodeModuleFacts, encodeModuleFacts, KernelError, readModuleFacts, treeLayout } from '#kernel';
import { type Db, type KernelRow, loadModuleFacts, saveModuleFacts } from '#store';

/** What modprobe knows of the modules of a kernel; null where that was never read. */
export async function moduleFactsOf(db: Db, kernel: KernelRow): Promise<ModuleFacts | null> {
  const bytes = await loadModuleFacts(db, kernel.id);
  return bytes === undefined ? null : decodeModuleFacts(bytes, kernel.name);
}

/**
 * Reads the module data below a folder (`out/modules` of a tree, an unpacked package) and stores it for the kernel. Data
 * that is missing or cannot be read is stored as none, so that nothing old is believed. Returns why there is none.
 */
export async function readModules(db: Db, kernelId: string, root: string, release: string): Promise<string | null> {
  try {
    const facts = await readModuleFacts(root, release);
    await saveModuleFacts(db, kernelId, facts && encodeModuleFacts(facts));
    return facts === null ? 'depmod left no module data' : null;
  } catch (error) {
    if (!hasCode(error, 'modules-unreadable', 'file-unreadable', 'file-too-large')) throw error;
    await saveModuleFacts(db, kernelId, null);
    return error.message;
  }
}

/**
 * Takes the module data of a kernel from a folder that a person names: a `modules_install`, an unpacked package, or `/` of a
 * host that runs it. Errors: modules-unreadable, also where there is none of this release; what was known stays then.
 */
export async function takeModules(db: Db, kernel: KernelRow, root: string): Promise<ModuleFacts> {
  const release = kernel.release ?? '';
  const facts = await readModuleFacts(root, release);
  if (facts === null) {
    throw new KernelError('modules-unreadable', 'input', {
      what: `there are no modules.dep and modules.alias of release "${release}" here`,
      where: join(root, 'lib/modules', release),
      remedy: modulesRemedy(kernel),
    });
  }
  await saveModuleFacts(db, kernel.id, encodeModuleFacts(facts));
  return facts;
}

/** How module data is come by: depmod(8) makes it when modules are installed, and a build tree has none. */
export function modulesRemedy({ name, treeDirectory, origin }: KernelRow): string {
  const give = `give "tuxtape kernel hosts ${name} --modules DIR" the folder that holds lib/modules/RELEASE: / of a host that runs it, or its unpacked package`;
  if (origin !== 'build-tree') return give;
  return `${give}; a build tree makes one by "make -C ${treeLayout(treeDirectory).build} modules_install INSTALL_MOD_PATH=DIR"`;
}

/** Reads the module data of a built tree again where it is there and was never read. */
export async function ensureModules(db: Db, kernel: KernelRow): Promise<void> {
  if (kernel.treeDirectory === '' || kernel.release === null) return;
  if ((await loadModuleFacts(db, kernel.id)) !== undefined) return;
  await readModules(db, kernel.id, join(treeLayout(kernel.treeDirectory).out, 'modules'), kernel.release);
}
