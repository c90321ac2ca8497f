/** Says nothing of a change: the machine lacks something now, and another time, or on another machine, it may go. */
const PASSING: ReadonlySet<string> = new Set([
  ...['disk-full', 'program-missing', 'locked', 'http-failed', 'http-too-large', 'git-failed'],
  ...['engine-missing', 'toolchain-mismatch', 'toolchain-missing', 'tree-missing', 'source-changed'],
  ...['memory-out', 'tree-damaged'],
]);

/** Is this the code of an error that says nothing of the change that was built? */
export function passes(code: string): boolean {
  return PASSING.has(code);
}
