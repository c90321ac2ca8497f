import { join } from 'node:path';
import { type IndexedRelease, indexPath, parseReleaseIndex, parseRolloutFile, type ReleaseMark } from '#domain';
import { type Clock, readLimited, sha256 } from '#host';
import { TrustError, type TrustedArchive } from '#trust';
import { ArchiveError } from './error.ts';
import { openFolder } from './local.ts';
import { listTargets, metadataPath, readState } from './state.ts';

const MAX_TARGET_BYTES = 256 << 20;
const MAX_ROOT_BYTES = 1 << 20;
const MAX_FINDINGS = 100;

export interface VerifiedArchive {
  readonly expires: string;
  readonly targets: number;
  readonly bytes: number;
  readonly kernels: number;
  readonly releases: number;
}

/**
 * Looks at every file of an archive with the client that hosts run, from its first root (or the one given): signatures, versions, expiry,
 * each target's bytes, and that each index says of its modules what their own marks say. Errors: verify-failed, with all that was found;
 * those of the client, where it believes nothing. `seen`: the folder of an archive that this one may not fall behind.
 */
export async function verifyArchive(
  directory: string,
  clock: Clock,
  root?: Buffer,
  seen?: string,
): Promise<VerifiedArchive> {
  const state = await readState(directory);
  const given = root ?? (await readLimited(metadataPath(directory, '1.root.json'), MAX_ROOT_BYTES));
  const targets = await listTargets(state);
  const findings: string[] = [];
  const sums = { bytes: 0, kernels: 0, releases: 0 };
  const known = seen === undefined ? undefined : await readState(seen);
  const look = async (archive: TrustedArchive): Promise<string> => {
    const marks = new Map<string, unknown>();
    const indexes: { path: string; text: string }[] = [];
    for (const path of targets.keys()) {
      const found = await archive.read(path, MAX_TARGET_BYTES).catch(refusal);
      if (found === undefined || typeof found === 'string') {
        findings.push(`${path}: ${found ?? 'the client does not find it'}`);
        continue;
      }
      sums.bytes += found.content.length;
      if (path.endsWith('.ko')) marks.set(path, { mark: found.custom['release'], sha256: sha256(found.content) });
      if (path.startsWith('index/')) indexes.push({ path, text: found.content.toString('utf8') });
      if (path.startsWith('rollout/') && parseRolloutFile(found.content.toString('utf8')) === undefined)
        findings.push(`${path}: it is not in its form`);
    }
    for (const { path, text } of indexes) sums.releases += checkIndex(path, text, marks, findings);
    sums.kernels = indexes.length;
    return archive.expires;
  };
  const expires = await openFolder(directory, given, clock, look, known);
  if (findings.length === 0) return { expires, targets: targets.size, ...sums };
  throw new ArchiveError('verify-failed', 'input', {
    what: `${findings.length} things are wrong: ${findings.slice(0, MAX_FINDINGS).join('; ')}`,
    where: directory,
    remedy: 'hosts would refuse these; restore the files from a copy',
  });
}

/** What the client refused, in words. A disk that is full says nothing of the archive. */
function refusal(error: unknown): string {
  if (error instanceof TrustError) return error.message;
  throw error;
}

/** How many releases it lists. Adds to `findings`. */
function checkIndex(path: string, text: string, marks: ReadonlyMap<string, unknown>, findings: string[]): number {
  const index = parseReleaseIndex(text);
  if (index === undefined || indexPath(index.buildId) !== path) {
    findings.push(`${path}: it is not in its form`);
    return 0;
  }
  for (const release of index.releases) {
    if (release.buildId !== index.buildId) findings.push(`${path}: release ${release.number} is of another kernel`);
    if (!isMarked(release, marks.get(release.path)))
      findings.push(`${path}: release ${release.number} is not what its module says`);
  }
  return index.releases.length;
}

function isMarked(release: IndexedRelease, found: unknown): boolean {
  const { mark, sha256: hash } = (found ?? {}) as { mark?: Partial<ReleaseMark>; sha256?: string };
  const same = (['buildId', 'moduleName', 'number', 'kernelRelease'] as const).every(
    (name) => mark?.[name] === release[name],
  );
  return same && hash === release.sha256;
}

/** The root that new hosts of an archive are given. */
export function readRootFile(directory: string): Promise<Buffer> {
  return readLimited(join(directory, 'root.json'), MAX_ROOT_BYTES);
}
