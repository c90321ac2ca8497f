import {
  type BuildId,
  type HostObservation,
  type PlanStep,
  type Rollout,
  type RolloutCommand,
  type RolloutEntry,
  type RolloutFile,
} from '#domain';
import { type Admission, admit, occupyOpen } from './admit.ts';
import { applyCommand, stopped } from './commands.ts';
import { entriesOf } from './entry.ts';
import { hostsText } from './judge.ts';
import { isInFlight, type Member, membersOf, type Positions, rememberPositions } from './members.ts';
import { mayStart, pass, progress } from './progress.ts';
import { Room } from './room.ts';
import { stageText } from './stages.ts';

/** What the archive shows of a kernel's rollouts now. `same`: it is, byte for byte, what our store says was published. */
export interface Published {
  readonly buildId: BuildId;
  readonly serial: number;
  readonly same: boolean;
  readonly rollouts: readonly RolloutEntry[];
}

/** All that a round decides from. */
export interface FleetObservation {
  /** Greatest serial that the store ever gave out. */
  readonly serial: number;
  readonly published: readonly Published[];
  readonly rollouts: readonly Rollout[];
  readonly hosts: readonly HostObservation[];
  readonly commands: readonly RolloutCommand[];
  /** Monotonic time since the last round of the same controller; 0 where there is none, or another one was in between. */
  readonly elapsedMs: number;
  /** For windows only. */
  readonly now: Date;
}

/** What a round does: printed before it runs, stored and published whole, or not at all. */
export interface FleetPlan {
  readonly steps: readonly PlanStep[];
  readonly serial: number;
  readonly rollouts: readonly Rollout[];
  /** Files whose content is another, with the new serial. */
  readonly files: readonly RolloutFile[];
}

/**
 * observe → plan → next state, for the whole fleet at once, because racks and quorums do not end where a kernel does. Pure. In this order:
 * an archive that is ahead of the store stops everything; people's commands; time; what hosts say; who may start.
 */
export function planFleet(observed: FleetObservation, positions: Positions = rememberPositions()): FleetPlan {
  const steps: PlanStep[] = [];
  const ahead = observed.published.filter(({ serial, same }) => serial > observed.serial || !same);
  let rollouts = ahead.length > 0 ? fence(observed.rollouts, ahead, steps) : observed.rollouts;
  rollouts = command(rollouts, observed.commands, ahead.length > 0, steps);
  const members = new Map<string, Member[][]>();
  rollouts = rollouts.map((rollout) => {
    const timed = pass(rollout, observed.elapsedMs, observed.now);
    if (isOver(timed)) return timed;
    const own = membersOf(timed, observed.hosts, positions);
    members.set(rollout.id, own);
    const moved = progress(timed, own, observed.elapsedMs);
    steps.push(...moved.steps);
    return moved.rollout;
  });
  rollouts = retire(rollouts, steps);
  rollouts = open(rollouts, members, observed, steps);
  const least = Math.max(observed.serial, ...ahead.map(({ serial }) => serial));
  const files = filesOf(observed.rollouts, rollouts, least + 1, ahead);
  return { steps, rollouts, files, serial: files.length > 0 ? least + 1 : least };
}

/** The store is older than what hosts were told: nothing that it believes of a running rollout is believed. */
function fence(rollouts: readonly Rollout[], ahead: readonly Published[], steps: PlanStep[]): readonly Rollout[] {
  const why =
    'the archive has a later word than the store: it was stopped there, a backup was restored, or two stores publish';
  const evidence = ahead.map(({ buildId, serial }) => `the archive has serial ${serial} for ${buildId}`);
  const told = new Map(ahead.flatMap((one) => one.rollouts.map((entry) => [entry.id, entry])));
  return rollouts.map((rollout) => {
    const { phase } = rollout.state;
    if (phase === 'recalled') return rollout;
    const entry = told.get(rollout.id);
    const next = phase === 'halted' || entry?.state === 'halted' ? 'halted' : 'paused';
    steps.push({ rollout: rollout.id, do: 'fence', what: `is ${next}: no host starts`, why, evidence });
    return { ...rollout, state: { ...stopped(rollout, next, 'restored', why), ...closingOf(rollout, entry) } };
  });
}

/** What the archive opens and the store does not know of counts on for as long as a host may start by it. */
function closingOf({ state, policy }: Rollout, entry: RolloutEntry | undefined): Pick<Rollout['state'], 'closing'> {
  const untilMs = state.watchedMs + policy.startWithinSeconds * 1000;
  const rings = (entry?.rings ?? []).filter(({ open: spans }) => spans.length > 0);
  return {
    closing: [...state.closing, ...rings.map(({ name, open: spans }) => ({ ring: name, open: spans, untilMs }))],
  };
}

function command(
  rollouts: readonly Rollout[],
  commands: readonly RolloutCommand[],
  isFenced: boolean,
  steps: PlanStep[],
): readonly Rollout[] {
  let current = rollouts;
  for (const one of commands) {
    const rollout = current.find(({ id }) => id === one.rollout);
    if (rollout === undefined) continue;
    const { rollout: next, step } = applyCommand(rollout, one, isFenced);
    steps.push(step);
    current = current.map((each) => (each.id === next.id ? next : each));
    if (one.do === 'start' && next !== rollout) current = supersede(current, next, steps);
  }
  return current;
}

/** The older releases of the same kernel are in the newer one: their rollouts go no further. */
function supersede(rollouts: readonly Rollout[], newer: Rollout, steps: PlanStep[]): readonly Rollout[] {
  return rollouts.map((rollout) => {
    const { release, state } = rollout;
    const isOlder = release.buildId === newer.release.buildId && release.number < newer.release.number;
    if (!isOlder || state.phase !== 'running') return rollout;
    const why = `release ${newer.release.number} is rolled out now, which has what release ${release.number} has`;
    steps.push({ rollout: rollout.id, do: 'pause', what: 'pauses', why, evidence: [`rollout ${newer.id}`] });
    return { ...rollout, state: stopped(rollout, 'paused', 'superseded', why) };
  });
}

/** Nothing of it can happen any more. */
function isOver({ state }: Rollout): boolean {
  return state.phase === 'recalled' && state.open.length === 0 && state.closing.length === 0;
}

/** Where a release is everywhere, the rollouts of those before it are over. */
function retire(rollouts: readonly Rollout[], steps: PlanStep[]): readonly Rollout[] {
  return rollouts.map((rollout) => {
    const newer = rollouts.find(
      ({ release, state }) =>
        state.phase === 'done' &&
        release.buildId === rollout.release.buildId &&
        release.number > rollout.release.number,
    );
    if (newer === undefined || rollout.state.phase === 'recalled' || rollout.state.phase === 'draft') return rollout;
    const why = `release ${newer.release.number} is rolled out, which has what release ${rollout.release.number} has`;
    steps.push({ rollout: rollout.id, do: 'recall', what: 'is over', why, evidence: [`rollout ${newer.id} is done`] });
    const state = { ...rollout.state, phase: 'recalled' as const, stop: { code: 'superseded' as const, why } };
    return { ...rollout, state };
  });
}

/** Decides who may start, the newest release first: hosts take the newest that is open to them. */
function open(
  rollouts: readonly Rollout[],
  members: ReadonlyMap<string, readonly (readonly Member[])[]>,
  { hosts, now }: FleetObservation,
  steps: PlanStep[],
): readonly Rollout[] {
  const silentMs = 1000 * Math.min(...rollouts.map(({ policy }) => policy.silentSeconds));
  const out = Uint8Array.from(hosts, (host) => (host.silentMs <= silentMs && !host.doubted ? 0 : 1));
  const occupied = Uint8Array.from(hosts, (host, at) => (isInFlight(host) ? 1 : out[at]!));
  for (const own of members.values()) occupyOpen(own, occupied);
  const decided = new Map<string, Rollout>();
  for (const rollout of rollouts.toSorted((a, b) => b.release.number - a.release.number)) {
    const own = members.get(rollout.id) ?? [];
    const isOpen = rollout.state.phase === 'running' || rollout.state.phase === 'done';
    if (isOpen && mayStart(rollout, now)) {
      const admission = admit(rollout, own, new Room(rollout.policy, hosts, occupied, out));
      steps.push(...explain(rollout, admission));
      decided.set(rollout.id, opened(rollout, admission));
    } else {
      const closed = own.reduce((sum, ring) => sum + ring.filter(isStartable).length, 0);
      if (isOpen) steps.push(outside(rollout));
      decided.set(rollout.id, opened(rollout, { open: [], closed, stuck: 0 }));
    }
  }
  return rollouts.map(({ id }) => decided.get(id)!);
}

function isStartable({ class: kind, wasOpen }: Member): boolean {
  return kind === 'idle' && wasOpen;
}

/** The new openings; the old ones count on for as long as a host may still start by them. */
function opened(rollout: Rollout, { open, closed, stuck }: Pick<Admission, 'open' | 'closed' | 'stuck'>): Rollout {
  const { state, policy } = rollout;
  const untilMs = state.watchedMs + policy.startWithinSeconds * 1000;
  const left = closed === 0 ? [] : state.open.map((opening) => ({ ...opening, untilMs }));
  return { ...rollout, state: { ...state, open, stuck, closing: [...state.closing, ...left] } };
}

function outside(rollout: Rollout): PlanStep {
  const zones = rollout.policy.windows.map(
    ({ days, from, until, zone }) => `${days.join(' ')} ${from}-${until} ${zone}`,
  );
  const why = 'it is outside the maintenance windows';
  return { rollout: rollout.id, do: 'wait', what: `opens nothing at ${stageText(rollout)}`, why, evidence: zones };
}

function explain(rollout: Rollout, { opened: more, closed, blocked, blockedCount, cut }: Admission): PlanStep[] {
  const at = stageText(rollout);
  const steps: PlanStep[] = [];
  const step = (kind: PlanStep['do'], what: string, why: string, evidence: readonly string[] = []): void => {
    steps.push({ rollout: rollout.id, do: kind, what, why, evidence });
  };
  if (more > 0) step('open', `lets ${hostsText(more)} more start`, `the rollout is at ${at}`);
  if (closed > 0) step('close', `lets ${hostsText(closed)} no longer start`, 'there is no room for them now', blocked);
  if (blockedCount > 0) step('wait', `keeps ${hostsText(blockedCount)} waiting`, 'caps and holds', blocked);
  if (cut) step('wait', 'keeps the rest of the step waiting', 'the signed file takes no more runs of positions');
  return steps;
}

/** Files of kernels whose entries are others than before, and of those the archive is ahead in: those whatever they say. */
function filesOf(
  before: readonly Rollout[],
  after: readonly Rollout[],
  serial: number,
  ahead: readonly Published[],
): RolloutFile[] {
  const old = Map.groupBy(before, ({ release }) => release.buildId);
  const files: RolloutFile[] = [];
  const now = Map.groupBy(after, ({ release }) => release.buildId);
  // A kernel of which the store knows no rollout is closed: whatever the archive opens there, nobody watches.
  for (const buildId of new Set([...now.keys(), ...ahead.map((one) => one.buildId)])) {
    const entries = entriesOf(now.get(buildId) ?? []);
    const isForced = ahead.some((one) => one.buildId === buildId);
    if (isForced || !isSame(entriesOf(old.get(buildId) ?? []), entries))
      files.push({ version: 1, buildId, serial, rollouts: entries });
  }
  return files;
}

function isSame(some: readonly RolloutEntry[], others: readonly RolloutEntry[]): boolean {
  return JSON.stringify(some) === JSON.stringify(others);
}

/** A plan as it is printed before it runs: a line for each step, its evidence below. */
export function planText({ steps, files, serial }: FleetPlan): string {
  const lines = steps.flatMap(({ rollout, do: kind, what, why, evidence }) => [
    `${rollout}: ${kind}: ${what}, because ${why}`,
    ...evidence.map((one) => `    ${one}`),
  ]);
  const published = files.map(({ buildId }) => `signs serial ${serial} for ${buildId}`);
  return [...lines, ...(published.length === 0 ? ['nothing to sign'] : published)].join('\n');
}
