import { exerciseOf, type GateCheck, type GateOutcome, type GateRecord } from '#domain';
import { inert } from '../text.ts';

const WORDS: Readonly<Record<GateOutcome, string>> = {
  passed: 'ok',
  failed: 'FAIL',
  warned: 'SEE',
  skipped: 'skipped',
};

/** One word for a list. */
export function proofWord(gate: GateRecord | null): string {
  if (gate === null) return 'not proved';
  if (!gate.passed) return 'FAILED';
  const exercise = exerciseOf(gate.functions);
  return exercise === 'exercised' ? 'passed' : `passed, ${exercise === 'partly' ? 'partly exercised' : exercise}`;
}

/** What a reviewer must see first: proved or not, exercised or not, the bug shown and gone, who signed, what to look at. */
export function gateSummary(gate: GateRecord): string[] {
  const { functions, reproducer, signature } = gate;
  const count = (outcome: GateOutcome): number => gate.checks.filter((check) => check.outcome === outcome).length;
  const hits = functions.map(({ object, name, hits: times }) => `${object}:${name} ${times ?? 'not measured'}`);
  return [
    `proof     ${gate.passed ? 'passed' : 'FAILED'}: ${count('passed')} passed, ${count('failed')} failed, ${count('warned')} to see, ${count('skipped')} skipped; ${gate.seconds} s (${gate.bootSeconds} s boot) on ${gate.machine}`,
    `exercised ${exerciseOf(functions)}: ${hits.map(inert).join(', ')}`,
    ...(reproducer === null
      ? ['bug       no reproducer was given']
      : [
          `bug       ${inert(reproducer.name)}, before: ${inert(reproducer.before ?? 'not run')}`,
          `          after: ${inert(reproducer.after ?? 'not run')}`,
        ]),
    signature === null
      ? 'signed    no: kernels that enforce module signatures refuse it'
      : `signed    by ${inert(signature.signer)}, key ${signature.keyId}, ${signature.hash}`,
    ...gate.checks.filter(({ outcome }) => outcome === 'failed' || outcome === 'warned').map(lineOf),
  ];
}

/** Every check; those of the summary once more, in their place. */
export function gateChecks(gate: GateRecord): string[] {
  return ['checks', ...gate.checks.map(lineOf)];
}

function lineOf({ name, outcome, detail }: GateCheck): string {
  return `  ${WORDS[outcome].padEnd(7)} ${name}: ${inert(detail.split('\n').filter(Boolean).join(' / '))}`;
}
