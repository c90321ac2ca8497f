import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..');
const SAMPLE_MS = 5;

export interface Measured {
  readonly seconds: number;
  /** Most memory the process itself held (VmHWM), in MiB; its children are not in it. */
  readonly peakMib: number;
  readonly stdout: string;
}

/** Runs a program to its end, timed from start to exit; a failing one is an error. */
export async function measure(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Measured> {
  const started = performance.now();
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let peakKib = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const timer = setInterval(() => (peakKib = Math.max(peakKib, highWater(child.pid!))), SAMPLE_MS);
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearInterval(timer);
  if (exitCode !== 0) throw new TypeError(`${program} ended with ${exitCode}: ${stderr}`);
  return { seconds: (performance.now() - started) / 1000, peakMib: peakKib / 1024, stdout };
}

/** VmHWM of proc(5), KiB; 0 when the process is gone. */
function highWater(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** The middle one of several runs, by time. */
export async function median(runs: number, body: () => Promise<Measured>): Promise<Measured> {
  const all: Measured[] = [];
  for (let i = 0; i < runs; i += 1) all.push(await body());
  return all.toSorted((a, b) => a.seconds - b.seconds)[runs >> 1]!;
}

/** A folder for one run; open to enter, because as root the database runs as another user. */
export async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tuxtape-bench-'));
  try {
    await chmod(folder, 0o755);
    await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export function machine(): string {
  return `${cpus().length} cores, Node ${process.version}, load ${loadavg()[0]!.toFixed(1)}`;
}

/** One line: a figure, and its ratio against the named baseline of the same run. */
export function report(what: string, measured: Measured, baseline?: { name: string; seconds: number }): void {
  const ratio =
    baseline === undefined ? '' : `, ${(measured.seconds / baseline.seconds).toFixed(1)} × ${baseline.name}`;
  console.log(`${what}: ${measured.seconds.toFixed(2)} s, peak ${measured.peakMib.toFixed(0)} MiB${ratio}`);
}
