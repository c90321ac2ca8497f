import type { Db } from './store.ts';

/** The public half of a key that gate records are signed with. `keyId` as that of a reviewer. */
export interface GateKey {
  readonly keyId: string;
  /** SubjectPublicKeyInfo, PEM. */
  readonly publicKey: string;
}

/** From now on records of this key are believed; one that is known stays as it is. */
export async function addGateKey(db: Db, { keyId, publicKey }: GateKey, at: Date): Promise<void> {
  await db
    .insertInto('gate_key')
    .values({ key_id: keyId, public_key: publicKey, added_at: at })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Undefined: no installation that this store knows has this key. */
export async function findGateKey(db: Db, keyId: string): Promise<GateKey | undefined> {
  const row = await db.selectFrom('gate_key').selectAll().where('key_id', '=', keyId).executeTakeFirst();
  return row === undefined ? undefined : { keyId: row.key_id, publicKey: row.public_key };
}
