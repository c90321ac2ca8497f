import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { CHECK_IN_PATH, type CheckIn, ENROL_PATH, signedRequestText } from '#domain';
import { bodyHash } from '../src/pipeline/hosts/host-key.ts';

/** A host with a key of its own, that speaks as an agent does; each request is a connection of its own. */
export interface TestHost {
  readonly privateKey: KeyObject;
  /** Raw, base64url. */
  readonly publicKey: string;
  id: string;
  seq: number;
  readonly bootId: string;
}

export function newHost(): TestHost {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { privateKey, publicKey: publicKey.export({ format: 'jwk' }).x!, id: '-', seq: 0, bootId: randomUUID() };
}

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Sends a body as this host, signed with its key for this path. */
export async function sendAs(host: TestHost, url: string, path: string, body: string): Promise<Answer> {
  const bytes = Buffer.from(body);
  const signature = sign(null, Buffer.from(signedRequestText(path, host.id, bodyHash(bytes))), host.privateKey);
  return post(`${url}${path}`, bytes, `TuxTape-Host ${host.id} ${signature.toString('base64url')}`);
}

export async function enrolWith(host: TestHost, url: string, token: string, name: string): Promise<Answer> {
  const answer = await sendAs(host, url, ENROL_PATH, JSON.stringify({ token, publicKey: host.publicKey, name }));
  if (answer.status === 200) host.id = String(answer.body['id']);
  return answer;
}

/** What a healthy host says next. */
export function saying(host: TestHost, part: Partial<CheckIn> = {}): CheckIn {
  host.seq += 1;
  return {
    seq: host.seq,
    at: new Date().toISOString(),
    bootId: host.bootId,
    uptimeSeconds: 1_000 + host.seq,
    agent: 'test',
    level: 'normal',
    kernel: { buildId: 'ab'.repeat(20), release: '6.1.170', arch: 'x86_64' },
    ring: 'canary',
    labels: { rack: 'r1' },
    livepatch: { state: 'idle', release: null, sha256: null, alarm: null },
    archive: null,
    modules: null,
    reports: [],
    ...part,
  };
}

export function checkIn(host: TestHost, url: string, said: CheckIn = saying(host)): Promise<Answer> {
  return sendAs(host, url, CHECK_IN_PATH, JSON.stringify(said));
}

export function post(url: string, body: Buffer, authorization: string): Promise<Answer> {
  const isTls = url.startsWith('https:');
  const headers = { authorization, 'content-type': 'application/json', 'content-length': body.length };
  return new Promise((resolve, reject) => {
    // The certificate of the tests is of their own making.
    const options = { method: 'POST', headers, agent: false, ...(isTls ? { rejectUnauthorized: false } : {}) };
    const sent = (isTls ? requestTls : request)(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Answer['body'] });
      });
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
