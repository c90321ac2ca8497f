/**
 * Check-ins of a fleet: hosts with keys of their own, each on a fresh TLS connection, acknowledged only after commit in a real PostgreSQL,
 * while the load runs on the same processors. Rates are multiples of 1,667/s: 100,000 hosts a minute. Baseline: a bare server of
 * Node under the same load, in the same run.
 *
 *   node bench/gate.ts [hosts] [seconds] [processes]      100,000 hosts, 10 s, 1 process by default
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { systemClock } from '#host';
import { makeEnrolment } from '#pipeline';
import { openStore, type Store } from '#store';
import { machine, ROOT, withFolder } from './measure.ts';

const A_MINUTE = 1_667;
const RATES = [A_MINUTE / 4, A_MINUTE / 2, A_MINUTE, A_MINUTE * 2, A_MINUTE * 4];
const HOSTS = Number(process.argv[2] ?? 100_000);
const SECONDS = Number(process.argv[3] ?? 10);
const PROCESSES = Number(process.argv[4] ?? 1);
const KEYS = 20_000;

interface Figures {
  readonly answered: number;
  readonly took: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly unsent: number;
  readonly cpu: number;
  readonly statuses: Readonly<Record<string, number>>;
}

await withFolder(async (folder) => {
  console.log(`check-ins, ${machine()}; ${HOSTS} hosts, ${SECONDS} s each, ${PROCESSES} process(es) of the gate`);
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', [...words, '-subj', '/CN=localhost', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const store = await openStore({ dataDirectory: join(folder, 'data'), databaseUrl: null });
  const hosts = join(folder, 'hosts');
  await fill(store, hosts);
  const env = { TUXTAPE_DATA: join(folder, 'data'), TUXTAPE_GATE_MOST_PER_MINUTE: '100000', TUXTAPE_GATE_PORT: '0' };
  let seq = 1;
  for (const tls of [true, false]) {
    const pem = tls ? { TUXTAPE_GATE_CERT: cert, TUXTAPE_GATE_KEY: key } : {};
    const bare = await startServers(1, [join(ROOT, 'bench/gate/bare.ts'), ...(tls ? [cert, key] : [])], {});
    const base = await load({ ...bare, tls, hosts, rate: A_MINUTE / 2, seq: 1 });
    console.log(
      `${tls ? 'TLS' : 'plain'}, bare server at ${Math.round(A_MINUTE / 2)}/s: ${text(base)}; ${bare.usage()}`,
    );
    await bare.stop();
    for (const rate of RATES) {
      const gate = await startServers(PROCESSES, [join(ROOT, 'src/server/gate/main.ts')], { ...env, ...pem });
      const found = await load({ ...gate, tls, hosts, rate, seq });
      seq += Math.ceil((rate * SECONDS) / KEYS) + 1;
      const ratio = (found.p50 / base.p50).toFixed(1);
      console.log(
        `${tls ? 'TLS' : 'plain'}, ${Math.round(rate)}/s: ${text(found)}; p50 ${ratio} × bare; ${gate.usage()}`,
      );
      await gate.stop();
    }
  }
  await store.close();
});

function text({ answered, took, p50, p99, max, unsent, cpu, statuses }: Figures): string {
  const others = Object.entries(statuses).filter(([status]) => status !== '200');
  const rest =
    others.length + unsent === 0 ? '' : `, not so ${JSON.stringify(Object.fromEntries(others))} unsent ${unsent}`;
  return `${(answered / took).toFixed(0)}/s stored, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(0)} ms, most ${max.toFixed(0)} ms${rest}, load ${cpu.toFixed(1)} CPU-s`;
}

/** A fleet of so many; some have keys that the load signs with. */
async function fill(store: Store, file: string): Promise<void> {
  const doors = { store, clock: systemClock };
  const { enrolment } = await makeEnrolment(doors, { group: 'bench', uses: 1, seconds: 3_600, by: 'bench' });
  const lines: string[] = [];
  for (let from = 0; from < HOSTS; from += 5_000) {
    const rows = Array.from({ length: Math.min(5_000, HOSTS - from) }, (_, i) => {
      const id = randomUUID();
      const { publicKey, privateKey } = generateKeyPairSync('ed25519');
      if (from + i < KEYS)
        lines.push(`${id} ${privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')}`);
      return {
        id,
        name: `n-${from + i}`,
        key: Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url').toString('hex'),
      };
    });
    await sql`
      INSERT INTO host (id, name, group_name, public_key, enrolment_id, enrolled_at)
      SELECT id, name, 'bench', decode(key, 'hex'), ${enrolment.id}, now()
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r (id uuid, name text, key text)`.execute(store.db);
  }
  writeFileSync(file, lines.join('\n'));
  await sql`VACUUM ANALYZE host`.execute(store.db);
}

interface Servers {
  readonly host: string;
  readonly port: number;
  readonly usage: () => string;
  readonly stop: () => Promise<void>;
}

async function startServers(count: number, args: readonly string[], env: Record<string, string>): Promise<Servers> {
  const children: ChildProcess[] = [];
  let port = 0;
  for (let i = 0; i < count; i += 1) {
    const own = port === 0 ? {} : { TUXTAPE_GATE_PORT: String(port) };
    const child = spawn('node', args, {
      cwd: ROOT,
      env: { ...process.env, ...env, ...own },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    for await (const line of child.stdout.setEncoding('utf8')) {
      port = (JSON.parse(line as string) as { gate: { port: number } }).gate.port;
      break;
    }
  }
  const stop = async (): Promise<void> => {
    for (const child of children) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    }
  };
  return { host: '127.0.0.1', port, usage: () => usageOf(children.map(({ pid }) => pid!)), stop };
}

/** Processor time and most memory of these processes (proc(5)). */
function usageOf(pids: readonly number[]): string {
  let [ticks, kib] = [0, 0];
  for (const pid of pids) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
    kib += Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  }
  return `server ${(ticks / 100).toFixed(1)} CPU-s, ${(kib / 1024).toFixed(0)} MiB`;
}

async function load(
  orders: Pick<Servers, 'host' | 'port'> & { tls: boolean; hosts: string; rate: number; seq: number },
): Promise<Figures> {
  const { host, port, tls, hosts, rate, seq } = orders;
  const words = JSON.stringify({ host, port, tls, hosts, rate, seconds: SECONDS, seq });
  const child = spawn('node', [join(ROOT, 'bench/gate/load.ts'), words], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (said += part));
  await new Promise((resolve) => child.on('close', resolve));
  return JSON.parse(said) as Figures;
}
