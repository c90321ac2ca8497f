/** So many wrong passwords in a row cost no waiting: people mistype. */
const FREE_FAILURES = 5;
const LONGEST_WAIT_SECONDS = 900;

/**
 * Seconds until the next try counts, after so many failures in a row: none, then 1, 2, 4 … up to a quarter of an hour. An account
 * is never locked for good: whoever knows only a name could lock its owner out.
 */
export function waitAfter(failures: number): number {
  return failures <= FREE_FAILURES ? 0 : Math.min(2 ** (failures - FREE_FAILURES - 1), LONGEST_WAIT_SECONDS);
}
