import { type ReachClass, reachClasses } from '#domain';
import { reachOfPath } from './reach-paths.ts';

export interface Reach {
  readonly class: ReachClass;
  readonly sentence: string;
}

/** What the reach of a CVE is read from. */
export interface ReachInput {
  readonly files: readonly string[];
  readonly vector: string | null;
  /** What public exploits said they need. */
  readonly exploitNeeds: readonly string[];
}

/**
 * Who can reach a bug. A public exploit is proof; then the CNA's vector says whether it is local or not; the path says
 * the rest, and alone where there is no vector. Two local answers: the path knows namespaces, which CVSS does not
 * (the CNA writes PR:L for what a user namespace opens).
 */
export function reachOf({ files, vector, exploitNeeds }: ReachInput): Reach {
  if (exploitNeeds.some((need) => /userns|CAP_NET_ADMIN/i.test(need)))
    return { class: 'user-namespace', sentence: `a public exploit reaches it and needs ${exploitNeeds.join(', ')}` };
  const path = reachOfFiles(files);
  const stated = vector === null ? null : reachOfVector(vector);
  if (stated === null) {
    if (path === null) return { class: 'unknown', sentence: 'nothing says who can reach it' };
    return { class: path.class, sentence: `${path.file} is reached like this on a common configuration` };
  }
  if (stated === 'local-unprivileged' && path?.class === 'user-namespace')
    return { class: 'user-namespace', sentence: `scored as local, and ${path.file} is opened by a user namespace` };
  return { class: stated, sentence: `so says the vector, ${vector}` };
}

/** Most exposed of the files' classes; null when no path says anything. */
export function reachOfFiles(files: readonly string[]): { class: ReachClass; file: string } | null {
  let best: { class: ReachClass; file: string } | null = null;
  for (const file of files) {
    const found = longestPrefix(file);
    if (found === null) continue;
    if (best === null || reachClasses.indexOf(found) < reachClasses.indexOf(best.class)) best = { class: found, file };
  }
  return best;
}

function longestPrefix(file: string): ReachClass | null {
  let best = '';
  for (const prefix of prefixes) if (prefix.length > best.length && file.startsWith(prefix)) best = prefix;
  return best === '' ? null : reachOfPath[best]!;
}

const prefixes = Object.keys(reachOfPath);

/** Attack vector and privileges required of a CVSS v3.x vector (specification sections 2.1.1 and 2.1.3). */
function reachOfVector(vector: string): ReachClass {
  const metric = (name: string): string => new RegExp(`/${name}:([A-Z])`).exec(vector)?.[1] ?? '';
  switch (metric('AV')) {
    case 'N':
      return metric('PR') === 'N' ? 'remote-unauthenticated' : 'remote-authenticated';
    case 'A':
      return 'adjacent';
    case 'P':
      return 'physical';
    default:
      return metric('PR') === 'H' ? 'root-only' : 'local-unprivileged';
  }
}
