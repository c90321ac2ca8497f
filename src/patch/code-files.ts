/** Files whose text no kernel runs: their hunks say nothing of a fix, and are no part of a livepatch. */
const NO_CODE = /^(?:Documentation\/|LICENSES\/|MAINTAINERS$|CREDITS$|tools\/testing\/)/;

export function isCode(path: string): boolean {
  return !NO_CODE.test(path);
}
