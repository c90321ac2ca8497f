import { isCveId } from './cve-id.ts';
import { isBuildId } from './kernel.ts';
import type { IndexedRelease, ReleaseIndex } from './livepatch.ts';
import { isPaceFloors, isRecall, isSignedMitigation, isTime } from './release-terms.ts';

/** A module's name becomes a path below /sys/kernel/livepatch: letters, digits and underscores only (MODULE_NAME_LEN 56). */
const MODULE_NAME = /^[A-Za-z0-9_]{1,55}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const MAX_RELEASES = 10_000;
const MAX_MITIGATIONS = 1_000;

/**
 * Reads the index of a kernel's releases. It is signed, but a host does not believe the shape of anything it fetched:
 * undefined when any part is not as `ReleaseIndex` says.
 */
export function parseReleaseIndex(text: string): ReleaseIndex | undefined {
  const value = parseJson(text);
  if (!isRecord(value) || value['version'] !== 1) return undefined;
  const { buildId, kernelRelease, releases } = value;
  if (!isText(buildId) || !isBuildId(buildId) || !isText(kernelRelease)) return undefined;
  if (!Array.isArray(releases) || releases.length > MAX_RELEASES || !releases.every(isRelease)) return undefined;
  const terms = parseTerms(value);
  return terms === undefined ? undefined : { version: 1, buildId, kernelRelease, releases, ...terms };
}

type Terms = Pick<ReleaseIndex, 'newest' | 'floors' | 'recalls' | 'mitigations'>;

/** What may be absent: absent stays absent, and anything else that is not in its form is no index. */
function parseTerms({ newest, floors, recalls, mitigations }: Readonly<Record<string, unknown>>): Terms | undefined {
  if (newest !== undefined && !isCount(newest)) return undefined;
  if (floors !== undefined && !isPaceFloors(floors)) return undefined;
  if (recalls !== undefined && !isListOf(recalls, MAX_RELEASES, isRecall)) return undefined;
  if (mitigations !== undefined && !isListOf(mitigations, MAX_MITIGATIONS, isSignedMitigation)) return undefined;
  return {
    ...(newest === undefined ? {} : { newest }),
    ...(floors === undefined ? {} : { floors }),
    ...(recalls === undefined ? {} : { recalls }),
    ...(mitigations === undefined ? {} : { mitigations }),
  };
}

function isListOf<T>(value: unknown, most: number, isOne: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.length <= most && value.every(isOne);
}

function isRelease(value: unknown): value is IndexedRelease {
  if (!isRecord(value)) return false;
  const { buildId, kernelRelease, moduleName, number, cves, functions, path, sha256, length, publishedAt } = value;
  return (
    isText(buildId) &&
    isBuildId(buildId) &&
    isText(kernelRelease) &&
    isText(moduleName) &&
    MODULE_NAME.test(moduleName) &&
    isCount(number) &&
    isCount(length) &&
    isText(path) &&
    isText(sha256) &&
    SHA256.test(sha256) &&
    (publishedAt === undefined || isTime(publishedAt)) &&
    Array.isArray(cves) &&
    cves.every((cve) => isText(cve) && isCveId(cve)) &&
    Array.isArray(functions) &&
    functions.every((changed) => isRecord(changed) && isText(changed['object']) && isText(changed['name']))
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 4_096;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
