import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256, withLock, writeAtomic } from '#host';
import { type ModuleSigner, type Provenance, signModule } from '#livepatch';
import { type LivepatchRow, needLivepatch, type Store, setModule } from '#store';
import { GATE_FILE } from './gate-record.ts';

const LOCK_WAIT_MS = 30_000;

/**
 * Signs a livepatch for kernels that ask for module signatures. The bytes change, so that what was proved before is proved
 * no more: the gate record goes first, and only the signed module can be proved and published.
 */
export async function signLivepatch(store: Store, key: string, signer: ModuleSigner): Promise<LivepatchRow> {
  const row = await needLivepatch(store.db, key);
  const { directory } = row;
  return withLock(join(directory, '.sign.lock'), LOCK_WAIT_MS, async () => {
    const path = join(directory, 'module.ko');
    const signed = await signModule(await readFile(path), signer);
    const moduleSha256 = sha256(signed);
    await setModule(store.db, row.id, moduleSha256);
    await rm(join(directory, GATE_FILE), { force: true });
    await writeAtomic(path, signed);
    await renewProvenance(join(directory, 'provenance.json'), moduleSha256);
    return needLivepatch(store.db, row.id);
  });
}

/** Its subject is the module as it is published; one that was built before there was provenance has none. */
async function renewProvenance(path: string, digest: string): Promise<void> {
  const old = await readFile(path, 'utf8').catch(() => undefined);
  if (old === undefined) return;
  const statement = JSON.parse(old) as Provenance;
  const subject = statement.subject.map(({ name }) => ({ name, digest: { sha256: digest } }));
  await writeAtomic(path, `${JSON.stringify({ ...statement, subject }, null, 2)}\n`);
}
