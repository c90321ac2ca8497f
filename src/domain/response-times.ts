import type { CveId } from './cve-id.ts';

/**
 * What happens to a CVE on its way to hosts, in order. `published`: its announcement was mailed; `read`: it was first stored here; `verdict`: it was
 * first said to affect the kernel; `built`, `proved`: of a livepatch with its fix; `approved`: by as many people as that needs; `released`: into the
 * archive; `accepted`: by the first host, after its soak time.
 */
export const responseStages = [
  'published',
  'read',
  'verdict',
  'built',
  'proved',
  'approved',
  'released',
  'accepted',
] as const;
export type ResponseStage = (typeof responseStages)[number];

/** When each stage was first reached, for one CVE and kernel. Null: not yet, or nobody wrote it down. */
export type StageTimes = Readonly<Record<ResponseStage, Date | null>>;

export interface ResponseTimes {
  readonly cve: CveId;
  readonly kernel: string;
  readonly times: StageTimes;
  /** The CVE was published before the kernel was added: how long it took says nothing of how fast people are. */
  readonly backlog: boolean;
}

/** Time between two stages of which both are known; those between them, if any, are not. */
export interface ResponseStep {
  readonly from: ResponseStage;
  readonly to: ResponseStage;
  readonly seconds: number;
  readonly unknown: readonly ResponseStage[];
}

export interface Response {
  readonly steps: readonly ResponseStep[];
  /** From `published` to `accepted`; null: one of them is not known, or they are in the wrong order. */
  readonly totalSeconds: number | null;
  /** The last stage that was reached; null: none is known. */
  readonly reached: ResponseStage | null;
  /** Stages before the last one reached of which no time is known. */
  readonly unknown: readonly ResponseStage[];
  /** Stages that come before an earlier one: two clocks differ, or a time was written down late. Their steps are left out. */
  readonly disordered: readonly ResponseStage[];
}

/** Where the time went. A gap is a gap: no step is made up, and none is zero because nothing is known. */
export function responseOf(times: StageTimes): Response {
  const known = responseStages.filter((stage) => times[stage] !== null);
  const reached = known.at(-1) ?? null;
  const before = reached === null ? [] : responseStages.slice(0, responseStages.indexOf(reached));
  const steps: ResponseStep[] = [];
  const disordered: ResponseStage[] = [];
  let last: ResponseStage | null = null;
  for (const stage of known) {
    const seconds = last === null ? 0 : (times[stage]!.getTime() - times[last]!.getTime()) / 1000;
    if (seconds < 0) {
      disordered.push(stage);
      continue;
    }
    if (last !== null) steps.push({ from: last, to: stage, seconds, unknown: between(last, stage) });
    last = stage;
  }
  const whole = span(times);
  return {
    ...{ steps, reached, disordered, unknown: before.filter((stage) => times[stage] === null) },
    totalSeconds: whole !== null && whole >= 0 ? whole : null,
  };
}

function between(from: ResponseStage, to: ResponseStage): ResponseStage[] {
  return responseStages.slice(responseStages.indexOf(from) + 1, responseStages.indexOf(to));
}

function span({ published, accepted }: StageTimes): number | null {
  return published === null || accepted === null ? null : (accepted.getTime() - published.getTime()) / 1000;
}

/** How long one step takes. `count`: of how many it is known; with none of them the others are null, never zero. */
export interface StepFigure {
  readonly from: ResponseStage;
  readonly to: ResponseStage;
  readonly count: number;
  /** Reached `to`, and how long the step took is not known. */
  readonly unknown: number;
  readonly median: number | null;
  readonly p90: number | null;
  readonly longest: number | null;
}

export interface ResponseFigures {
  /** One for each step between neighbours, then the whole, from `published` to `accepted`. */
  readonly steps: readonly StepFigure[];
  readonly whole: StepFigure;
  /** Not accepted by any host yet, by the last stage reached. */
  readonly open: Readonly<Partial<Record<ResponseStage, number>>>;
  readonly backlog: number;
  readonly counted: number;
}

/** Figures of all that is no backlog. */
export function responseFigures(rows: readonly ResponseTimes[]): ResponseFigures {
  const counted = rows.filter(({ backlog }) => !backlog);
  const responses = counted.map(({ times }) => ({ times, ...responseOf(times) }));
  const steps = responseStages.slice(1).map((to, i) => {
    const from = responseStages[i]!;
    const known = responses.flatMap((one) => {
      const step = one.steps.find((candidate) => candidate.from === from && candidate.to === to);
      return step === undefined ? [] : [step.seconds];
    });
    return figure(from, to, known, responses.filter(({ times }) => times[to] !== null).length);
  });
  const totals = responses.flatMap(({ totalSeconds }) => (totalSeconds === null ? [] : [totalSeconds]));
  const accepted = responses.filter(({ times }) => times.accepted !== null);
  const open: Partial<Record<ResponseStage, number>> = {};
  for (const { reached, times } of responses)
    if (times.accepted === null && reached !== null) open[reached] = (open[reached] ?? 0) + 1;
  return {
    ...{ steps, open, backlog: rows.length - counted.length, counted: counted.length },
    whole: figure('published', 'accepted', totals, accepted.length),
  };
}

function figure(from: ResponseStage, to: ResponseStage, seconds: readonly number[], reached: number): StepFigure {
  const sorted = seconds.toSorted((a, b) => a - b);
  // Nearest rank: a time that really was.
  const rank = (share: number): number | null => sorted[Math.ceil(share * sorted.length) - 1] ?? null;
  return {
    ...{ from, to, count: sorted.length, unknown: reached - sorted.length },
    ...{ median: rank(0.5), p90: rank(0.9), longest: sorted.at(-1) ?? null },
  };
}
