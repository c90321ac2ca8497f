/** So many command files are read by one thread at a time: some milliseconds. */
export const FILES_IN_BATCH = 64;

/** Takes a batch, unless another thread has. */
export function claimed(taken: Int32Array, batch: number): boolean {
  return Atomics.compareExchange(taken, batch, 0, 1) === 0;
}
