import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { currentGate, type GateRecord, type LivepatchRecipe, StageError } from '#domain';
import { exists, makeFolders, readLimited, sha256, withLock, writeAtomic } from '#host';
import {
  claimedKey,
  differing,
  gateStatement,
  keyIdOf,
  LivepatchError,
  makeKeyFile,
  openEnvelope,
  parsePublicKey,
  publicPem,
  readEnvelope,
  readGateStatement,
  readPrivateKey,
  type Subject,
  sealStatement,
} from '#livepatch';
import { addGateKey, findGateKey, type LivepatchRow, type Store, setGate, storableJson } from '#store';

/** The signed gate record, in a livepatch's folder and in the archive. */
export const GATE_FILE = 'gate.dsse.json';
const MAX_RECORD_BYTES = 64 << 20;
const MAX_FILE_BYTES = 256 << 20;
const LOCK_WAIT_MS = 30_000;

/** A gate record whose signature is good, of files that are as they were proved. */
export interface SignedGate {
  readonly gate: GateRecord;
  /** As it lies beside the module, of the bytes that were proved. */
  readonly recipe: LivepatchRecipe;
  readonly module: Buffer;
  readonly patch: Buffer;
  /** sha256 of each of these files, by name. */
  readonly files: Subject;
  readonly keyId: string;
  /** The file that is signed, and its sha256. */
  readonly envelope: Buffer;
  readonly sha256: string;
}

function keyPath(dataDirectory: string): string {
  return join(dataDirectory, 'keys/gate.pem');
}

/** The key that signs gate records of this installation; made when it is first needed. */
async function gateKey(dataDirectory: string): Promise<KeyObject> {
  const path = keyPath(dataDirectory);
  const folder = join(dataDirectory, 'keys');
  await makeFolders(folder, 0o700);
  return withLock(join(folder, '.lock'), LOCK_WAIT_MS, async () =>
    (await exists(path)) ? readPrivateKey(path) : makeKeyFile(path, null),
  );
}

/** The public half of the key that an envelope names: one that this installation has, or had. */
async function recordKey({ db }: Store, keyId: string, where: string): Promise<KeyObject> {
  const found = await findGateKey(db, keyId);
  if (found !== undefined) return parsePublicKey(found.publicKey, where);
  throw new LivepatchError('attestation-refused', 'untrusted', {
    what: 'the gate record is signed with a key that this installation never had',
    where,
    remedy: 'prove the livepatch again; find out who wrote this file',
  });
}

/** Signs a gate record and keeps it beside the module and in the store, which lists by it. */
export async function keepGate(
  store: Store,
  dataDirectory: string,
  row: LivepatchRow,
  gate: GateRecord,
): Promise<LivepatchRow> {
  const { subject } = await filesOf(row);
  const key = await gateKey(dataDirectory);
  await addGateKey(store.db, { keyId: keyIdOf(key), publicKey: publicPem(key) }, new Date(gate.startedAt));
  const envelope = sealStatement(gateStatement(subject, gate), key);
  await writeAtomic(join(row.directory, GATE_FILE), envelope);
  await setGate(store.db, row.id, gate);
  return { ...row, gate: currentGate(gate) };
}

/** The files that a gate record is about, as they are now. */
async function filesOf({ directory, moduleName }: LivepatchRow) {
  const read = (name: string): Promise<Buffer> => readLimited(join(directory, name), MAX_FILE_BYTES);
  const [module, patch, recipe] = [await read('module.ko'), await read('change.patch'), await read('recipe.json')];
  const hashes = [sha256(module), sha256(patch), sha256(recipe)] as const;
  const subject: Subject = { [`${moduleName}.ko`]: hashes[0], 'change.patch': hashes[1], 'recipe.json': hashes[2] };
  return { module, patch, recipe, subject };
}

/**
 * Reads the gate record of a livepatch, after its signature and the files it is about were checked; the store is held against it,
 * too. Errors: not-proved; gate-unsigned (proved before records were signed); gate-refused (untrusted: a file, or the store, is
 * not what was proved), attestation-refused, attestation-unreadable.
 */
export async function readSignedGate(store: Store, row: LivepatchRow): Promise<SignedGate> {
  const path = join(row.directory, GATE_FILE);
  if (row.gate === null) throw unsigned('not-proved', 'the livepatch was not proved', row.moduleName);
  if (!(await exists(path)))
    throw unsigned('gate-unsigned', 'its gate record is not signed: it is gone, or is of an older TuxTape', path);
  const file = await readLimited(path, MAX_RECORD_BYTES);
  const sealed = readEnvelope(file.toString('utf8'), path);
  const key = await recordKey(store, claimedKey(sealed), path);
  const { subject, gate } = readGateStatement(openEnvelope(sealed, key, path), path);
  const files = await filesOf(row);
  const others = differing(subject, files.subject);
  if (others.length > 0)
    throw refused(`the gate record is not of the files that are there: ${others.join(', ')}`, path);
  const recipe = JSON.parse(files.recipe.toString('utf8')) as LivepatchRecipe;
  const isStored = (stored: unknown, value: unknown): boolean =>
    isDeepStrictEqual(stored, JSON.parse(storableJson(value)));
  if (!isStored(row.gate, gate) || !isStored(row.recipe, recipe) || row.moduleSha256 !== sha256(files.module))
    throw refused('the store says something else than the files that were proved and signed', path);
  const { module, patch } = files;
  return { gate, recipe, module, patch, files: subject, keyId: keyIdOf(key), envelope: file, sha256: sha256(file) };
}

/** What a look at the signature of a record found; `refused` and `unsigned` say why. */
export type GateCheckResult =
  | { readonly state: 'good'; readonly keyId: string; readonly sha256: string }
  | { readonly state: 'bad'; readonly code: string; readonly why: string };

/** As `readSignedGate`, for people: what speaks against the record is told, not thrown. Null: not proved. */
export async function checkGate(store: Store, row: LivepatchRow): Promise<GateCheckResult | null> {
  if (row.gate === null) return null;
  try {
    const { keyId, sha256: hash } = await readSignedGate(store, row);
    return { state: 'good', keyId, sha256: hash };
  } catch (error) {
    if (!(error instanceof StageError)) throw error;
    return { state: 'bad', code: String(error.code), why: error.message };
  }
}

function unsigned(code: 'not-proved' | 'gate-unsigned', what: string, where: string): LivepatchError {
  return new LivepatchError(code, 'input', { what, where, remedy: 'run "tuxtape livepatch verify"' });
}

function refused(what: string, where: string): LivepatchError {
  return new LivepatchError('gate-refused', 'untrusted', {
    what,
    where,
    remedy: 'build and prove the livepatch again; find out who changed it',
  });
}
