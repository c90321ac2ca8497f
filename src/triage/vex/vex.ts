import { createHash } from 'node:crypto';
import type { Verdict } from '#domain';

/** The kernel that a VEX document is about, as consumers match it. */
export interface VexProduct {
  /**
   * Package URLs (purl-spec) by which scanners know this kernel, one at least, each with a version: a consumer takes one
   * without a version for every version (go-vex, PurlMatches), and would dismiss CVEs of other kernels.
   */
  readonly purls: readonly string[];
  /** Package URLs of what contains the kernel (an image, a firmware): then the kernel is a subcomponent of each. */
  readonly within: readonly string[];
  /** `urn:cdx:SERIAL/VERSION` of the CycloneDX BOM that lists the kernel; null: the document stands alone. */
  readonly bom: string | null;
  readonly name: string;
  /** `uname -r`, or the version of the source before the build. */
  readonly version: string;
  readonly buildId: string | null;
}

/** A verdict, and since when it stands. */
export interface VexStatement {
  readonly verdict: Verdict;
  readonly decidedAt: Date;
}

/** Who says it, and which state of which document this is. */
export interface VexOrigin {
  readonly author: string;
  readonly toolVersion: string;
  readonly uuid: string;
  /** From 1, rises with every change of the content. */
  readonly version: number;
  readonly issuedAt: Date;
  readonly changedAt: Date;
}

/** One document a kernel and format, for good: a UUID made of the build-id (RFC 9562, version 8). */
export function vexUuid(format: string, kernel: string): string {
  const hex = createHash('sha256').update(`tuxtape vex ${format} ${kernel}`).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(18, 20)}-${hex.slice(20, 32)}`;
}

/** A package URL with a version: `pkg:TYPE/NAMESPACE/NAME@VERSION?QUALIFIERS#SUBPATH` (purl-spec). */
const VERSIONED = /^pkg:[A-Za-z][\w.+-]*\/[^\s@?#]+@[^\s@?#]+(?:\?[^\s#]+)?(?:#\S+)?$/;
const PURL = /^pkg:[A-Za-z][\w.+-]*\/[^\s@?#]+(?:@[^\s@?#]+)?(?:\?[^\s#]+)?(?:#\S+)?$/;

export function isVersionedPurl(text: string): boolean {
  return VERSIONED.test(text);
}

export function isPurl(text: string): boolean {
  return PURL.test(text);
}

/** `urn:cdx:serialNumber/version` (CycloneDX, BOM-Link). */
export function isBomLink(text: string): boolean {
  return /^urn:cdx:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\/[1-9]\d*$/.test(text);
}

/**
 * Default package URL of a kernel that a team builds itself: type generic (purl-spec, PURL-TYPES), told apart by its
 * build-id, because a version alone never identifies a kernel. A consumer asks for every qualifier of it, so nothing is
 * dismissed by it for a kernel whose build-id the scanner does not say.
 */
export function kernelPurl(name: string, version: string, buildId: string | null): string {
  const id = buildId === null ? '' : `?build_id=${encodeURIComponent(buildId)}`;
  return `pkg:generic/${encodeURIComponent(name)}@${encodeURIComponent(version)}${id}`;
}

/** The evidence as one text, a rung a sentence. */
export function evidenceText({ evidence }: Verdict): string {
  return evidence.map(({ rung, sentence }) => `${rung}: ${sentence}`).join(' ');
}
