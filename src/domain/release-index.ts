import { isCveId } from './cve-id.ts';
import { isBuildId } from './kernel.ts';
import type { IndexedRelease, Recall, ReleaseIndex } from './livepatch.ts';

/** A module's name becomes a path below /sys/kernel/livepatch: letters, digits and underscores only (MODULE_NAME_LEN 56). */
const MODULE_NAME = /^[A-Za-z0-9_]{1,55}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const MAX_RELEASES = 10_000;

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
  const recalls = value['recalls'] ?? [];
  if (!Array.isArray(recalls) || recalls.length > MAX_RELEASES || !recalls.every(isRecall)) return undefined;
  return { version: 1, buildId, kernelRelease, releases, ...(recalls.length > 0 && { recalls }) };
}

function isRecall(value: unknown): value is Recall {
  if (!isRecord(value)) return false;
  const { number, sha256, reason } = value;
  return isCount(number) && isText(sha256) && SHA256.test(sha256) && isText(reason);
}

function isRelease(value: unknown): value is IndexedRelease {
  if (!isRecord(value)) return false;
  const { buildId, kernelRelease, moduleName, number, cves, functions, path, sha256, length } = value;
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
