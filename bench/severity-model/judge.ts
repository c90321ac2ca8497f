import { generator } from './fit.ts';

/** One judged CVE: what the model said (0 to 1) and what the CNA did. */
export interface Judged {
  readonly probability: number;
  readonly high: boolean;
}

export interface Figures {
  readonly examples: number;
  readonly high: number;
  /** Area under the ROC curve, with a 95 % bootstrap interval. */
  readonly auc: number;
  readonly interval: readonly [number, number];
  readonly calibration: readonly CalibrationBin[];
}

/** CVEs whose predicted probability lies in a tenth: how many there are, what was said on average, how many were HIGH. */
export interface CalibrationBin {
  readonly from: number;
  readonly examples: number;
  readonly predicted: number;
  readonly observed: number;
}

const RESAMPLES = 1_000;

export function figuresOf(judged: readonly Judged[]): Figures {
  const random = generator(2);
  const resampled = Array.from({ length: RESAMPLES }, () =>
    auc(judged.map(() => judged[Math.floor(random() * judged.length)]!)),
  ).toSorted((a, b) => a - b);
  const at = (share: number): number => round(resampled[Math.floor(share * RESAMPLES)]!);
  return {
    examples: judged.length,
    high: judged.filter(({ high }) => high).length,
    auc: round(auc(judged)),
    interval: [at(0.025), at(0.975)],
    calibration: calibrationOf(judged),
  };
}

/** Chance that a HIGH one is placed above another one (Mann-Whitney; ties count half). */
export function auc(judged: readonly Judged[]): number {
  const sorted = judged.toSorted((a, b) => a.probability - b.probability);
  let rankSum = 0;
  let high = 0;
  for (let start = 0; start < sorted.length; ) {
    let end = start;
    while (end < sorted.length && sorted[end]!.probability === sorted[start]!.probability) end += 1;
    const highHere = sorted.slice(start, end).filter((one) => one.high).length;
    rankSum += (highHere * (start + 1 + end)) / 2;
    high += highHere;
    start = end;
  }
  return (rankSum - (high * (high + 1)) / 2) / (high * (sorted.length - high));
}

function calibrationOf(judged: readonly Judged[]): CalibrationBin[] {
  return Array.from({ length: 10 }, (_, tenth) => {
    const here = judged.filter(({ probability }) => Math.min(9, Math.floor(probability * 10)) === tenth);
    const share = (value: (one: Judged) => number): number =>
      here.length === 0 ? 0 : round(here.reduce((sum, one) => sum + value(one), 0) / here.length);
    return {
      from: tenth / 10,
      examples: here.length,
      predicted: share(({ probability }) => probability),
      observed: share(({ high }) => (high ? 1 : 0)),
    };
  });
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
