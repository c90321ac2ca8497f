/** Ends a fuzz run that hangs: what the main thread is at can only be seen from another one. */
import { writeFileSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const LOOK_MS = 2_000;
/** Index of the count of cases and of the bytes of the present one. */
const [CASES, LENGTH] = [0, 1];

interface Shared {
  readonly counts: Int32Array;
  readonly bytes: Uint8Array;
  readonly file: string;
  readonly seconds: number;
}

/** Takes note of each case; one that is not done after so many seconds is written to `file`, and the process killed. */
export function watchdog(
  file: string,
  seconds: number,
  mostBytes: number,
): { next(bytes: Uint8Array): void; end(): void } {
  const counts = new Int32Array(new SharedArrayBuffer(8));
  const bytes = new Uint8Array(new SharedArrayBuffer(mostBytes));
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { counts, bytes, file, seconds } satisfies Shared,
  });
  return {
    next(now) {
      bytes.set(now.subarray(0, mostBytes));
      counts[LENGTH] = Math.min(now.length, mostBytes);
      Atomics.add(counts, CASES, 1);
    },
    end: () => void worker.terminate(),
  };
}

function watch({ counts, bytes, file, seconds }: Shared): void {
  let [last, since] = [-1, performance.now()];
  setInterval(() => {
    const now = Atomics.load(counts, CASES);
    if (now !== last) [last, since] = [now, performance.now()];
    else if (performance.now() - since > seconds * 1000) {
      writeFileSync(file, bytes.slice(0, counts[LENGTH]));
      console.error(`failed: one log was not read within ${seconds} s; it is in ${file}`);
      process.kill(process.pid, 'SIGKILL');
    }
  }, LOOK_MS);
}

if (!isMainThread) watch(workerData as Shared);
