import type { Evidence, HunkFinding, Proof } from '#domain';

const SHOWN = 4;

/**
 * The preprocessor conditions around the hunks. Clears only when the fix fits as a whole, every changed line of code
 * stands where this configuration leaves it out, and that holds in every object that reads it (`Proof.excluded`). An
 * `if (IS_ENABLED(…))` clears nothing. Null: no hunk has a condition.
 */
export function conditionRung({ fixes, source, excluded }: Proof): Evidence | null {
  const hunks = source.hunks.filter(({ condition }) => condition !== undefined && condition !== null);
  if (hunks.length === 0) return null;
  const facts = { fixes, conditions: hunks.map((hunk) => factOf(hunk, source.renamed)) };
  const isOut = source.outcome === 'vulnerable' && excluded === true && source.hunks.every(isLeftOut);
  const all = [...new Set(hunks.map((hunk) => textOf(hunk, source.renamed)))];
  const more = all.length > SHOWN ? ` and ${all.length - SHOWN} more` : '';
  const parts = `${all.slice(0, SHOWN).join('; ')}${more}`;
  if (isOut) {
    const sentence = `Every line that the fix changes is left out by this configuration: ${parts}.`;
    return { rung: 'condition', outcome: 'clears', sentence, facts };
  }
  const isIn = source.hunks.every(({ condition }) => condition === null || condition?.value === true);
  return {
    rung: 'condition',
    outcome: isIn ? 'supports' : 'inconclusive',
    sentence: `Conditions around what the fix changes: ${parts}.`,
    facts,
  };
}

function isLeftOut({ condition }: HunkFinding): boolean {
  return condition?.by === 'preprocessor' && condition.value === false;
}

function textOf({ path, condition }: HunkFinding, renamed: Proof['source']['renamed']): string {
  const value = condition!.value === null ? 'not known' : condition!.value ? 'true' : 'false';
  return `${condition!.text} (${renamed[path] ?? path}:${condition!.from}) is ${value}`;
}

/** Where it stands, and the symbols to look up in the configuration. */
function factOf({ path, at, condition }: HunkFinding, renamed: Proof['source']['renamed']): Record<string, unknown> {
  const symbols = [...new Set(condition!.text.match(/\bCONFIG_\w+/g) ?? [])];
  return { path: renamed[path] ?? path, at, ...condition, symbols };
}
