/**
 * How much this host lets the agent do; each level refuses all that the ones before it do.
 *
 * - `normal`: nothing is refused.
 * - `no-new`: only releases that were accepted here before are loaded.
 * - `no-apply`: nothing is loaded; what is recalled or fails is still taken off.
 * - `stop`: the kernel is not touched.
 */
export const levels = ['normal', 'no-new', 'no-apply', 'stop'] as const;

export type Level = (typeof levels)[number];

/** The strictest of what the file and the kernel command line say. A word that is not known means `stop`. */
export function levelOf(file: string | undefined, commandLine: string): Level {
  const words = [...commandLine.matchAll(/(?:^|\s)tuxtape=(\S*)/g)].map((match) => match[1] ?? '');
  if (file !== undefined) words.push(file.trim());
  const found = words.map((word) => levels.find((level) => level === word) ?? 'stop');
  return found.toSorted((a, b) => levels.indexOf(b) - levels.indexOf(a))[0] ?? 'normal';
}
