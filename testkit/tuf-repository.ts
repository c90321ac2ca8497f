import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TestKey } from './tuf-keys.ts';

const DAY_MS = 86_400_000;

export interface RoleJson {
  keyids: string[];
  threshold: number;
  [extra: string]: unknown;
}

export interface FileJson {
  version: number;
  length?: number;
  hashes?: Record<string, string>;
}

export interface DelegatedJson extends RoleJson {
  name: string;
  terminating: boolean;
  paths?: string[];
  path_hash_prefixes?: string[];
}

interface SignedJson {
  _type: string;
  spec_version: string;
  version: number;
  expires: string;
  [extra: string]: unknown;
}

export interface RootJson extends SignedJson {
  consistent_snapshot?: boolean;
  keys: Record<string, object>;
  roles: Record<string, RoleJson>;
}

export interface MetaJson extends SignedJson {
  meta: Record<string, FileJson>;
}

export interface TargetsJson extends SignedJson {
  targets: Record<string, { length: number; hashes: Record<string, string>; custom?: object }>;
  delegations?: {
    keys: Record<string, object>;
    roles?: DelegatedJson[];
    succinct_roles?: RoleJson & { bit_length: number; name_prefix: string };
  };
}

export type TopName = 'root' | 'timestamp' | 'snapshot' | 'targets';

/** `YYYY-MM-DDTHH:MM:SSZ`, some days from now. */
export function inDays(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** RFC 3986, unreserved characters only. */
export function percent(name: string): string {
  return [...Buffer.from(name)]
    .map((byte) =>
      /[A-Za-z0-9_.~-]/.test(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');
}

function signedJson(type: string): SignedJson {
  return { _type: type, spec_version: '1.0.31', version: 1, expires: inDays(30) };
}

export function targetsJson(): TargetsJson {
  return { ...signedJson('targets'), targets: {} };
}

/**
 * A signed TUF repository to be changed at will and published role by role: the roles are plain JSON, and `files` is what is
 * served, for a test to spoil. It shares no code with the client.
 */
export class TufRepository {
  readonly root: RootJson;
  readonly timestamp: MetaJson = { ...signedJson('timestamp'), meta: { 'snapshot.json': { version: 1 } } };
  readonly snapshot: MetaJson = { ...signedJson('snapshot'), meta: { 'targets.json': { version: 1 } } };
  readonly targets: TargetsJson = targetsJson();
  /** Delegated roles, by name. */
  readonly delegated = new Map<string, TargetsJson>();
  readonly signers = new Map<string, TestKey[]>();
  /** Every file that is served, by its path. */
  readonly files = new Map<string, Buffer>();
  /** Put hashes and lengths into snapshot and timestamp. */
  withHashes = false;
  readonly #published = new Set<string>();

  constructor() {
    const roles = Object.fromEntries(
      ['root', 'timestamp', 'snapshot', 'targets'].map((role) => [role, { keyids: [], threshold: 1 }]),
    );
    this.root = { ...signedJson('root'), consistent_snapshot: true, keys: {}, roles };
    for (const role of Object.keys(roles) as TopName[]) this.addKey(role);
    this.publish('root', 'targets', 'snapshot', 'timestamp');
  }

  /** Lists a key for a top-level role, and signs with it from now on. */
  addKey(role: TopName, key = new TestKey()): TestKey {
    this.root.keys[key.keyid] = key.json;
    this.root.roles[role]!.keyids.push(key.keyid);
    this.signers.set(role, [...(this.signers.get(role) ?? []), key]);
    return key;
  }

  /** Takes every key of a role away, and gives it new ones. */
  rotate(role: TopName): void {
    const { threshold } = this.root.roles[role]!;
    this.setKeys(
      role,
      threshold,
      Array.from({ length: threshold }, () => new TestKey()),
    );
  }

  setKeys(role: TopName, threshold: number, keys: readonly TestKey[], signers: readonly TestKey[] = keys): void {
    this.root.roles[role] = { keyids: [], threshold };
    this.signers.set(role, []);
    for (const key of keys) this.addKey(role, key);
    this.signers.set(role, [...signers]);
  }

  json(role: string): RootJson | MetaJson | TargetsJson {
    const found = this.delegated.get(role) ?? (this as unknown as Record<string, RootJson | undefined>)[role];
    if (found === undefined) throw new TypeError(`no role ${role}`);
    return found;
  }

  /** Delegates from `delegator` to `role`, which gets a key of its own and empty metadata unless it has some. */
  delegate(delegator: string, role: Partial<DelegatedJson> & { name: string }, signer = new TestKey()): TargetsJson {
    const from = this.json(delegator) as TargetsJson;
    from.delegations ??= { keys: {}, roles: [] };
    from.delegations.keys[signer.keyid] = signer.json;
    const patterns = role.path_hash_prefixes === undefined ? { paths: ['*'] } : {};
    from.delegations.roles!.push({ keyids: [signer.keyid], threshold: 1, terminating: false, ...patterns, ...role });
    this.signers.set(role.name, [...(this.signers.get(role.name) ?? []), signer]);
    const known = this.delegated.get(role.name) ?? targetsJson();
    this.delegated.set(role.name, known);
    return known;
  }

  /** Hash bins below the top-level targets. */
  delegateToBins(bitLength: number, prefix: string): void {
    const key = new TestKey();
    const bins = { keyids: [key.keyid], threshold: 1, bit_length: bitLength, name_prefix: prefix };
    this.targets.delegations = { keys: { [key.keyid]: key.json }, succinct_roles: bins };
    const digits = (2 ** bitLength - 1).toString(16).length;
    for (let bin = 0; bin < 2 ** bitLength; bin += 1) {
      const name = `${prefix}-${bin.toString(16).padStart(digits, '0')}`;
      this.delegated.set(name, targetsJson());
      this.signers.set(name, [key]);
    }
  }

  /** Adds a target to a role and to what is served. */
  addTarget(role: string, path: string, content: string | Buffer, algorithms: readonly string[] = ['sha256']): void {
    const bytes = Buffer.from(content);
    const hashes = Object.fromEntries(algorithms.map((name) => [name, createHash(name).update(bytes).digest('hex')]));
    (this.json(role) as TargetsJson).targets[path] = { length: bytes.length, hashes };
    this.serveTarget(path, Object.values(hashes), bytes);
  }

  serveTarget(path: string, hashes: readonly string[], bytes: Buffer): void {
    const [folder, name] = [path.slice(0, path.lastIndexOf('/') + 1), path.slice(path.lastIndexOf('/') + 1)];
    if (this.root.consistent_snapshot !== true) this.files.set(`targets/${path}`, bytes);
    else for (const hash of hashes) this.files.set(`targets/${folder}${hash}.${name}`, bytes);
  }

  /** Signs and serves roles, in this order; each but the first time under the next version. */
  publish(...roles: readonly string[]): void {
    for (const role of roles) {
      const signed = this.json(role);
      if (this.#published.has(role)) signed.version += 1;
      this.#published.add(role);
      this.serve(role, this.envelope(role));
    }
  }

  /** The metadata of a role as it stands, signed. */
  envelope(role: string, signers = this.signers.get(role) ?? []): Buffer {
    const signed = this.json(role);
    const signatures = signers.map((key) => ({ keyid: key.keyid, sig: key.sign(signed) }));
    return Buffer.from(JSON.stringify({ signatures, signed }, null, 1));
  }

  /** Serves bytes as the metadata of a role in its version of now, and lists them one level up. */
  serve(role: string, bytes: Buffer): void {
    const { version } = this.json(role);
    this.files.set(`metadata/${this.fileName(role, version)}`, bytes);
    const hashes = { sha256: createHash('sha256').update(bytes).digest('hex') };
    const listed: FileJson = this.withHashes ? { version, length: bytes.length, hashes } : { version };
    if (role === 'snapshot') this.timestamp.meta['snapshot.json'] = listed;
    else if (role !== 'root' && role !== 'timestamp') this.snapshot.meta[`${role}.json`] = listed;
  }

  fileName(role: string, version: number): string {
    const prefixed = role === 'root' || (role !== 'timestamp' && this.root.consistent_snapshot === true);
    return `${prefixed ? `${version}.` : ''}${percent(role)}.json`;
  }
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface RepositoryServer extends AsyncDisposable {
  readonly url: string;
  /** Paths that were asked for, in order, as they were sent. */
  readonly requests: string[];
  /** Answers of another kind than the file, by path. */
  readonly answers: Map<string, Answer>;
}

/** Serves a repository on the loopback address, as it stands at each request. */
export async function serveRepository(repository: TufRepository): Promise<RepositoryServer> {
  const requests: string[] = [];
  const answers = new Map<string, Answer>();
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').slice(1);
    requests.push(path);
    const answer = answers.get(path);
    if (answer !== undefined) return answer(request, response);
    // Metadata is kept under the name it is asked for; targets under their own.
    const bytes = repository.files.get(path) ?? repository.files.get(decodeURIComponent(path));
    if (bytes === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
