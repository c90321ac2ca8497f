/**
 * Hosts as they come: each check-in is a fresh TLS connection, signed with the key of its host, at a steady rate whether or not the
 * ones before were answered (an open loop: a slow server is not asked less). Prints one line of JSON.
 *
 *   node bench/gate/load.ts '{"url":…,"hosts":file,"rate":n,"seconds":n,"from":n}'
 */
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect, createSecureContext } from 'node:tls';
import { CHECK_IN_PATH, signedRequestText } from '#domain';
import { bodyHash } from '../../src/pipeline/hosts/host-key.ts';

interface Orders {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** File of lines `id key`, the key as base64 of PKCS #8. */
  readonly hosts: string;
  readonly rate: number;
  readonly seconds: number;
  readonly seq: number;
}

const MOST_OPEN = 8_000;
const BOOT = randomUUID();
const MODULES = Array.from({ length: 80 }, (_, i) => `module_${i}`);
const orders = JSON.parse(process.argv[2]!) as Orders;
const requests = prepare(orders);
const context = createSecureContext({});
const latencies: number[] = [];
const statuses = new Map<string, number>();
const count = { open: 0, unsent: 0 };

/** Signed before the clock starts: a host signs once a minute, this program for a hundred thousand. */
function prepare({ hosts, rate, seconds, seq }: Orders): Buffer[] {
  const wanted = Math.ceil(rate * seconds);
  const lines = readFileSync(hosts, 'utf8').trimEnd().split('\n');
  return Array.from({ length: wanted }, (_, i) => {
    const [id, key] = lines[i % lines.length]!.split(' ') as [string, string];
    return requestOf(id, key, seq + Math.floor(i / lines.length));
  });
}

function requestOf(id: string, key: string, seq: number): Buffer {
  const body = Buffer.from(
    JSON.stringify({
      ...{
        seq,
        at: new Date().toISOString(),
        bootId: BOOT,
        uptimeSeconds: 10_000 + seq,
        agent: 'bench',
        level: 'normal',
      },
      kernel: { buildId: 'ab'.repeat(20), release: '6.1.170', arch: 'x86_64' },
      ...{ ring: 'wide', labels: { rack: `r${id.slice(0, 2)}`, role: 'web' } },
      livepatch: { state: 'accepted', release: 7, sha256: 'cd'.repeat(32), alarm: null },
      ...{ archive: null, modules: seq === 1 ? MODULES : null, reports: [] },
    }),
  );
  const privateKey = createPrivateKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'pkcs8' });
  const signature = sign(null, Buffer.from(signedRequestText(CHECK_IN_PATH, id, bodyHash(body))), privateKey);
  const head = [
    `POST ${CHECK_IN_PATH} HTTP/1.1`,
    'host: localhost',
    `authorization: TuxTape-Host ${id} ${signature.toString('base64url')}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    '',
    '',
  ].join('\r\n');
  return Buffer.concat([Buffer.from(head), body]);
}

function send(request: Buffer): void {
  if (count.open >= MOST_OPEN) {
    count.unsent += 1;
    return;
  }
  count.open += 1;
  const started = performance.now();
  let said = '';
  const { host, port } = orders;
  const plain = (): Socket => connectPlain({ host, port }, () => socket.write(request));
  const secure = (): Socket =>
    connect({ host, port, secureContext: context, rejectUnauthorized: false }, () => socket.write(request));
  const socket: Socket = orders.tls ? secure() : plain();
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => (said += text));
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    count.open -= 1;
    const status = /^HTTP\/1\.1 (\d+)/.exec(said)?.[1] ?? 'none';
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    latencies.push(performance.now() - started);
  });
}

async function main(): Promise<void> {
  const { rate, seconds } = orders;
  const started = performance.now();
  const cpu = process.cpuUsage();
  let sent = 0;
  while (sent < requests.length) {
    const due = Math.min(requests.length, Math.floor(((performance.now() - started) / 1000) * rate));
    for (; sent < due; sent += 1) send(requests[sent]!);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const deadline = performance.now() + 20_000;
  while (count.open > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  const took = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  const figures = { p50: at(0.5), p99: at(0.99), max: latencies.at(-1) ?? 0 };
  const answered = statuses.get('200') ?? 0;
  console.log(
    JSON.stringify({
      rate,
      seconds,
      took,
      answered,
      statuses: Object.fromEntries(statuses),
      unsent: count.unsent,
      ...figures,
      cpu: (user + system) / 1e6,
    }),
  );
}

await main();
process.exit(0);
