import type { Verdict } from '#domain';

/** The kernel that a VEX document is about, as consumers match it. */
export interface VexProduct {
  /** Package URL (purl-spec): scanners match their packages by it. */
  readonly purl: string;
  readonly name: string;
  /** `uname -r`, or the version of the source before the build. */
  readonly version: string;
  readonly buildId: string | null;
}

/** Who says it, when, and a fresh UUID for the document. */
export interface VexOrigin {
  readonly author: string;
  readonly at: Date;
  readonly uuid: string;
  readonly toolVersion: string;
}

/**
 * Default package URL of a kernel that a team builds itself: type generic (purl-spec, PURL-TYPES), told apart by its
 * build-id, because a version alone never identifies a kernel.
 */
export function kernelPurl(name: string, version: string, buildId: string | null): string {
  const id = buildId === null ? '' : `?build_id=${encodeURIComponent(buildId)}`;
  return `pkg:generic/${encodeURIComponent(name)}@${encodeURIComponent(version)}${id}`;
}

/** The evidence as one text, a rung a sentence. */
export function evidenceText({ evidence }: Verdict): string {
  return evidence.map(({ rung, sentence }) => `${rung}: ${sentence}`).join(' ');
}
