import type { Judgement } from '#domain';
import { scoreOf } from '../cvss.ts';

const MAX_JUDGEMENTS = 20;

/** Judgements of stated vectors, each scored by us; a vector that is none is left out and said in `refused`. */
export function judgementsOf(stated: readonly { vector: string; by: string }[]): {
  judgements: Judgement[];
  refused: string[];
} {
  const judgements: Judgement[] = [];
  const refused: string[] = [];
  for (const { vector, by } of stated.slice(0, MAX_JUDGEMENTS)) {
    const score = scoreOrNull(vector);
    if (score === null) refused.push(vector.slice(0, 100));
    else judgements.push({ vector, score, by: by.slice(0, 100) });
  }
  return { judgements, refused };
}

function scoreOrNull(vector: string): number | null {
  try {
    return scoreOf(vector);
  } catch {
    return null;
  }
}

/** CWE ids among texts, each once. */
export function weaknessesOf(texts: readonly string[]): string[] {
  return [...new Set(texts.flatMap((text) => /^CWE-\d{1,5}/.exec(text)?.[0] ?? []))];
}
