import type { GateCheck, GateOutcome, GatePart } from '#domain';

const MAX_DETAIL = 2_000;

/** A check of the gate record; an empty detail says what became of it. */
export function check(part: GatePart, name: string, outcome: GateOutcome | boolean, detail: string): GateCheck {
  const word = typeof outcome === 'string' ? outcome : outcome ? 'passed' : 'failed';
  return { name, part, outcome: word, detail: detail.trim().slice(0, MAX_DETAIL) || word };
}

/** The first of many, for a sentence. */
export function some(names: readonly string[], most = 12): string {
  return names.length <= most ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}
