import type { CveRecord, Range } from '#domain';

const REPOSITORY = 'https://git.kernel.org/pub/scm/linux/kernel/git/stable/linux.git';
/** "0" stands for the beginning of all versions and histories (OSV schema, affected[].ranges[].events). */
const BEGINNING = '0';

/** A CVE as an OSV entry (OSV schema 1.6, ossf.github.io/osv-schema). `modified` is required there. */
export interface OsvEntry {
  readonly schema_version: '1.6.0';
  readonly id: string;
  readonly modified: string;
  readonly published?: string;
  readonly withdrawn?: string;
  readonly summary: string;
  readonly details: string;
  readonly severity?: readonly { readonly type: 'CVSS_V3'; readonly score: string }[];
  readonly affected: readonly unknown[];
  readonly references: readonly { readonly type: 'WEB' | 'FIX'; readonly url: string }[];
}

export function toOsv(
  record: CveRecord,
  times: { readonly announced: Date | null; readonly modified: Date },
): OsvEntry {
  const { id, title, description, cvssVector, references, files, state } = record;
  return {
    schema_version: '1.6.0',
    id,
    modified: times.modified.toISOString(),
    ...(times.announced && { published: times.announced.toISOString() }),
    ...(state === 'rejected' && { withdrawn: times.modified.toISOString() }),
    summary: title,
    details: description,
    ...(cvssVector !== null && { severity: [{ type: 'CVSS_V3', score: cvssVector }] }),
    affected: [
      {
        package: { ecosystem: 'Linux', name: 'Kernel' },
        ranges: rangesOf(record.ranges),
        database_specific: { program_files: files },
      },
    ],
    references: references.map((url) => ({ type: url.includes('git.kernel.org') ? 'FIX' : 'WEB', url })),
  };
}

/** One GIT range per introducing commit with all its fixes, and one version range per line of the record. */
function rangesOf(ranges: readonly Range[]): unknown[] {
  const byCommit = Map.groupBy(ranges, ({ introduced }) => introduced?.commit ?? BEGINNING);
  const git = [...byCommit].map(([introduced, group]) => ({
    type: 'GIT',
    repo: REPOSITORY,
    events: [
      { introduced },
      ...[...new Set(group.flatMap(({ fixed }) => fixed?.commit ?? []))].map((fixed) => ({ fixed })),
    ],
  }));
  const versions = ranges.map(({ introduced, fixed }) => ({
    type: 'ECOSYSTEM',
    events: [{ introduced: introduced?.version ?? BEGINNING }, ...(fixed === null ? [] : [{ fixed: fixed.version }])],
  }));
  return [...git, ...versions];
}
