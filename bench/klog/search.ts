import { LiteralScanner } from '../../src/klog/scan.ts';

const REPEAT = 40;

/** Finds nothing in ordinary log, by each way: MB/s of processor time. */
export function waysToSearch(starts: readonly string[], log: string): void {
  const bytes = Buffer.from(log);
  const ways: Record<string, () => number> = {
    'Wu-Manber, as built': wuManber(starts, bytes),
    'one RegExp over latin1 text': regExp(starts, bytes),
    'Buffer.indexOf for each literal': () => Math.max(...starts.map((start) => bytes.indexOf(start))),
    'table of first bytes': firstBytes(starts, bytes),
  };
  for (const [name, way] of Object.entries(ways)) {
    way();
    const started = process.cpuUsage();
    for (let i = 0; i < REPEAT; i += 1) if (way() >= 0) throw new TypeError(`${name} found something in ordinary log`);
    const { user, system } = process.cpuUsage(started);
    const seconds = (user + system) / 1e6;
    console.log(
      `search of ${starts.length} literals, ${name}: ${((bytes.length * REPEAT) / 1e6 / seconds).toFixed(0)} MB/s`,
    );
  }
}

function wuManber(starts: readonly string[], bytes: Uint8Array): () => number {
  const scanner = new LiteralScanner(starts);
  return () => scanner.find(bytes, 0);
}

function regExp(starts: readonly string[], bytes: Buffer): () => number {
  const pattern = new RegExp(starts.map((start) => start.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'));
  return () => bytes.toString('latin1').search(pattern);
}

function firstBytes(starts: readonly string[], bytes: Uint8Array): () => number {
  const literals = starts.map((start) => Buffer.from(start));
  const first = Array.from({ length: 256 }, (_, byte) => literals.filter((literal) => literal[0] === byte));
  const matches =
    (at: number) =>
    (literal: Uint8Array): boolean =>
      literal.every((byte, i) => bytes[at + i] === byte);
  return () => {
    for (let at = 0; at < bytes.length; at += 1) {
      if (first[bytes[at]!]!.some(matches(at))) return at;
    }
    return -1;
  };
}
