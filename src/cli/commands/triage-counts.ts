import { rungs, type Severity, severities, type VerdictStatus, verdictStatuses } from '#domain';
import type { KernelRow, VerdictCount } from '#store';

function total(counts: readonly VerdictCount[], keep: (count: VerdictCount) => boolean): number {
  return counts.filter(keep).reduce((sum, { count }) => sum + count, 0);
}

const RUNG_REASON: Readonly<Record<string, string>> = {
  state: 'rejected by the CNA',
  ranges: 'the vulnerable code came later, or in another branch',
  build: 'its files are not in this build',
  condition: 'its fix changes nothing that this configuration compiles',
  object: 'its fix changes no object of this build',
  person: 'a person said so, until a day',
};

/** What was dismissed and why, and how the rest divides by severity. */
export function countsText(
  kernel: KernelRow,
  counts: readonly VerdictCount[],
  shown: number,
  options: { status: VerdictStatus },
): string {
  const of = (status: VerdictStatus): number => total(counts, (count) => count.status === status);
  const bySeverity = severities
    .map(
      (severity: Severity) =>
        [severity, total(counts, (count) => count.status === 'affected' && count.severity === severity)] as const,
    )
    .filter(([, count]) => count > 0);
  const dismissed = rungsOf(counts, 'not_affected').map(
    (rung) =>
      `  ${total(counts, (count) => count.status === 'not_affected' && count.rung === rung)} ${RUNG_REASON[rung] ?? rung}`,
  );
  return [
    `kernel ${kernel.name} ${kernel.version}${kernel.buildId ? ` (build-id ${kernel.buildId.slice(0, 12)})` : `, ${kernel.origin === 'config' ? 'not built: what is in it is predicted from its configuration' : 'not built: decided by ranges only'}`}; ${shown} of ${of(options.status)} ${options.status} shown`,
    `affected ${of('affected')}: ${bySeverity.map(([severity, count]) => `${count} ${severity}`).join(', ') || 'none'}`,
    `under investigation ${of('under_investigation')}, fixed ${of('fixed')}`,
    `not affected ${of('not_affected')}:`,
    ...dismissed,
    ...decidedBy(counts),
  ].join('\n');
}

/** Those that decided any of this status, from the first to the last; what a newer program stored comes at the end. */
function rungsOf(counts: readonly VerdictCount[], status: VerdictStatus): string[] {
  const found = new Set(counts.filter((count) => count.status === status).map(({ rung }) => rung));
  return [...rungs.filter((rung) => found.delete(rung)), ...found];
}

/** Which rung decided how many, for each status that has any; what is open was looked at and not decided. */
function decidedBy(counts: readonly VerdictCount[]): string[] {
  const statuses = verdictStatuses.filter((status) => total(counts, (count) => count.status === status) > 0);
  return statuses.map((status) => {
    const isOpen = status === 'under_investigation';
    const parts = rungsOf(counts, status).map((rung) => {
      const count = total(counts, (one) => one.status === status && one.rung === rung);
      return `${count} ${isOpen ? 'after' : 'by'} ${rung}`;
    });
    return `${status.replace('_', ' ')} ${isOpen ? 'is still open' : 'was decided'}: ${parts.join(', ')}`;
  });
}
