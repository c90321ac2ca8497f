/** Lines `signal.o: changed function: zap_other_threads` of both tools; new functions are in the module but replace nothing. */
export function changedFunctions(output: string): { object: string; name: string }[] {
  return [...output.matchAll(/^\s*(\S+\.o): changed function: (\S+)$/gm)].map((match) => ({
    object: match[1]!,
    name: match[2]!,
  }));
}
