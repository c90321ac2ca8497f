import type { HostFailure } from '#domain';
import { failureText, hostsText, stageText } from '#rollout';
import type { RolloutEvent, RolloutRow } from '#store';
import { inert, shortId, table } from '../text.ts';

const FAILURES_SHOWN = 20;

/** `tuxtape rollout list` */
export function rolloutTable(rows: readonly RolloutRow[]): string {
  if (rows.length === 0) return 'there is no rollout; "tuxtape rollout start" makes one';
  return table(
    ['ID', 'KERNEL', 'RELEASE', 'STATE', 'AT', 'FAILED', 'BY'],
    rows.map((row) => [
      ...[shortId(row.id), shortId(row.release.buildId), row.release.number, row.state.phase],
      ...[stageOf(row), row.state.failures.length, inert(row.createdBy)],
    ]),
  );
}

function stageOf(row: RolloutRow): string {
  return row.state.phase === 'draft' ? '-' : stageText(row);
}

/** `tuxtape rollout status ID` */
export function rolloutText(row: RolloutRow, events: readonly RolloutEvent[]): string {
  const { state, release } = row;
  return [
    `rollout   ${row.id}, made by ${inert(row.createdBy)}`,
    `release   ${release.number} of ${release.buildId}`,
    `state     ${state.phase}${state.stop === null ? '' : `: ${inert(state.stop.why)} [${state.stop.code}]`}`,
    `at        ${stageOf(row)}, soaked ${Math.floor(state.soakedMs / 1000)} s`,
    ...(state.expedited === null ? [] : [`HURRIED   by ${state.expedited.by.map(inert).join(' and ')}`]),
    ...(state.held.length === 0 ? [] : [`held      ${state.held.map(inert).join(', ')}`]),
    ...failureLines(state.failures),
    ...events.map(({ at, what, why }) => `${at.toISOString()}  ${inert(what)}, because ${inert(why)}`),
    ...next(row),
  ].join('\n');
}

function failureLines(failures: readonly HostFailure[]): string[] {
  if (failures.length === 0) return ['failed    no host'];
  const more = failures.length - FAILURES_SHOWN;
  return [
    `failed    ${hostsText(failures.length)}`,
    ...failures.slice(0, FAILURES_SHOWN).map((failure) => `          ${inert(failureText(failure))}`),
    ...(more > 0 ? [`          and ${more} more (--json lists them)`] : []),
  ];
}

function next({ id, state }: RolloutRow): string[] {
  if (state.phase !== 'paused' && state.phase !== 'halted') return [];
  const past = state.stop?.code === 'inconclusive' ? ' --past-inconclusive' : '';
  return [`next: tuxtape rollout resume ${id} --failures ${state.failures.length}${past} --reason TEXT`];
}
