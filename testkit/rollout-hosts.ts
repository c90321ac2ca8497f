import { randomBytes } from 'node:crypto';
import type { CheckIn, HostReport, HostState } from '#domain';
import { sha256 } from '#host';
import { addEnrolment, callingHosts, type Db, enrolHost, storeCheckIns } from '#store';

const BOOT = '00000000-0000-4000-8000-000000000001';

/** What a test lets a host say; the rest is as a healthy host without a livepatch says it. */
export interface HostWord {
  readonly name: string;
  readonly buildId: string;
  readonly ring?: string | null;
  readonly labels?: Readonly<Record<string, string>>;
  readonly state?: HostState;
  readonly release?: { readonly number: number; readonly sha256: string };
  readonly alarm?: string;
  readonly level?: CheckIn['level'];
  readonly reports?: readonly HostReport[];
}

/** Hosts that are enrolled when they first speak, and check in as hosts do, but for the signature. By name. */
export class SpokenHosts {
  readonly ids = new Map<string, string>();
  readonly #db: Db;
  readonly #token = sha256(randomBytes(16));
  #isReady = false;

  constructor(db: Db) {
    this.#db = db;
  }

  /** The serials they are told that they are counted with, by name. */
  async say(words: readonly HostWord[], at = new Date()): Promise<Map<string, number | null>> {
    for (const { name } of words) if (!this.ids.has(name)) this.ids.set(name, await this.#enrol(name));
    const known = await callingHosts(this.#db, [...this.ids.values()]);
    const kept = words.map((word) => {
      const host = known.get(this.ids.get(word.name)!)!;
      return { host, said: checkInOf(word, host.seq + 1), bodySha256: sha256(randomBytes(8)), flags: [], events: [] };
    });
    const counted = await storeCheckIns(this.#db, kept, [], at);
    return new Map(words.map(({ name }) => [name, counted.get(this.ids.get(name)!) ?? null]));
  }

  async #enrol(name: string): Promise<string> {
    const [madeAt, expiresAt] = [new Date(), new Date(Date.now() + 3_600_000)];
    const token = { tokenSha256: this.#token, group: 'web', uses: 1_000, expiresAt, madeBy: 'ann', madeAt };
    if (!this.#isReady) await addEnrolment(this.#db, token);
    this.#isReady = true;
    const given = { tokenSha256: this.#token, publicKey: randomBytes(32), name, at: madeAt };
    return (await enrolHost(this.#db, given))!.id;
  }
}

function checkInOf({ buildId, ring, labels, state, release, alarm, level, reports }: HostWord, seq: number): CheckIn {
  return {
    ...{ seq, at: new Date().toISOString(), bootId: BOOT, uptimeSeconds: seq * 60, agent: 'test' },
    ...{ level: level ?? 'normal', kernel: { buildId, release: '6.1.170', arch: 'x86_64' } },
    ...{ ring: ring === undefined ? 'canary' : ring, labels: labels ?? {}, archive: null, modules: null },
    livepatch: {
      ...{ state: state ?? 'idle', release: release?.number ?? null, sha256: release?.sha256 ?? null },
      alarm: alarm ?? null,
    },
    reports: reports ?? [],
  };
}
