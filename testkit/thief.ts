import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { canonicalize } from '@tufjs/canonical-json';
import type { KeyRole, Signer } from '#archive';
import { type OneFolder, signerOf } from './archive.ts';

type Json = Record<string, unknown>;

interface Metadata {
  readonly signed: Json & { version: number; meta?: Record<string, { version: number }>; targets?: Json };
}

/** Who has the server and its keys: `snapshot`, `timestamp` and `rollout`. Works on a copy of the archive, by hand and without our publisher. */
export class Thief {
  readonly directory: string;
  readonly #signers: Readonly<Record<'snapshot' | 'timestamp' | 'rollout', Signer>>;

  private constructor(directory: string, signers: Record<'snapshot' | 'timestamp' | 'rollout', Signer>) {
    this.directory = directory;
    this.#signers = signers;
  }

  static async of(place: OneFolder, directory: string): Promise<Thief> {
    await cp(place.directory, directory, { recursive: true });
    const key = (role: KeyRole): Promise<Signer> => signerOf(place, role);
    return new Thief(directory, {
      snapshot: await key('snapshot'),
      timestamp: await key('timestamp'),
      rollout: await key('rollout'),
    });
  }

  async read(name: string): Promise<Metadata> {
    return JSON.parse(await readFile(join(this.directory, 'metadata', name), 'utf8')) as Metadata;
  }

  /** The newest version of a role that lies there. */
  async newest(role: string): Promise<Metadata> {
    const versions = (await readdir(join(this.directory, 'metadata'))).map((name) =>
      Number(new RegExp(`^(\\d+)\\.${role}\\.json$`).exec(name)?.[1] ?? 0),
    );
    return this.read(`${Math.max(...versions)}.${role}.json`);
  }

  async write(name: string, signed: object, by: 'snapshot' | 'timestamp' | 'rollout'): Promise<Buffer> {
    const signer = this.#signers[by];
    const plain = JSON.parse(JSON.stringify(signed)) as object;
    const signatures = [{ keyid: signer.keyid, sig: await signer.sign(Buffer.from(canonicalize(plain))) }];
    const bytes = Buffer.from(JSON.stringify({ signatures, signed }));
    await writeFile(join(this.directory, 'metadata', name), bytes);
    return bytes;
  }

  /** Signs a new version of a role with the key of the rollout, whoever it belongs to. Returns its version. */
  async forge(role: string, edit: (signed: Json) => object): Promise<number> {
    const { signed } = await this.newest(role);
    const version = signed.version + 1;
    await this.write(`${version}.${role}.json`, { ...edit(signed), version }, 'rollout');
    return version;
  }

  /** A snapshot and a timestamp that list these versions, signed as hosts expect it. */
  async list(versions: Readonly<Record<string, number>>, timestamp: object = {}): Promise<void> {
    const before = (await this.newest('snapshot')).signed;
    const listed = Object.entries(versions).map(([role, version]) => [`${role}.json`, { version }]);
    const version = before.version + 1;
    const snapshot = { ...before, version, meta: { ...before.meta, ...Object.fromEntries(listed) } };
    const bytes = await this.write(`${version}.snapshot.json`, snapshot, 'snapshot');
    const { signed } = await this.read('timestamp.json');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const meta = { 'snapshot.json': { version, length: bytes.length, hashes: { sha256 } } };
    await this.write('timestamp.json', { ...signed, version: signed.version + 1, meta, ...timestamp }, 'timestamp');
  }

  /** Puts a file where a target of this path would lie; gives its entry for metadata. */
  async target(path: string, content: Buffer): Promise<object> {
    const sha256 = createHash('sha256').update(content).digest('hex');
    const file = join(this.directory, 'targets', dirname(path), `${sha256}.${path.split('/').at(-1)}`);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    return { length: content.length, hashes: { sha256 } };
  }

  /** Publishes what the online key may say, and whatever else: the targets of the rollout role. */
  async rollout(targets: Readonly<Record<string, Buffer>>, more: object = {}): Promise<void> {
    const entries: Json = {};
    for (const [path, content] of Object.entries(targets)) entries[path] = await this.target(path, content);
    const version = await this.forge('rollout', (signed) => ({
      ...signed,
      ...more,
      targets: { ...(signed['targets'] as object), ...entries },
    }));
    await this.list({ rollout: version });
  }
}
