/** Cases of test/corpus/rollouts: what people and hosts do, and the plan that comes of it, step by step. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PlanStep } from '#domain';
import { RolloutScript } from '../../../testkit/rollout-script.ts';

const HOME = join(import.meta.dirname, '../../corpus/rollouts');
/** Writes what comes out into the cases: read the difference before it is kept. */
const isRecording = process.env['RECORD'] === '1';

function stepText({ rollout, do: kind, what, why }: PlanStep): string {
  return `> ${rollout} ${kind}: ${what}, because ${why}`;
}

/**
 * A case: `#` comments; `policy {…}` and `floors {…}` as JSON; lines of a script; below each `round`, lines with `>` that are all steps of its
 * plan, in order, and a line with `=` that is the phase of each rollout.
 */
function play(lines: readonly string[]): string[] {
  const given = (word: string): object => {
    const line = lines.find((one) => one.startsWith(`${word} {`));
    return line === undefined ? {} : (JSON.parse(line.slice(word.length)) as object);
  };
  const script = new RolloutScript(given('policy'), given('floors'));
  return lines.flatMap((line) => {
    if (/^[>=]/.test(line)) return [];
    if (line === '' || /^(?:#|policy \{|floors \{)/.test(line)) return [line];
    const plan = script.run(line);
    if (plan === null) return [line];
    const phases = script.rollouts.map(({ id, state }) => `${id} ${state.phase}`).join(', ');
    return [line, ...plan.steps.map(stepText), `= ${phases}; serial ${plan.serial}`];
  });
}

const cases = readdirSync(HOME).filter((name) => name.endsWith('.case'));

for (const name of cases)
  test(`rollout: ${name.replace('.case', '').replaceAll('-', ' ')}`, () => {
    const text = readFileSync(join(HOME, name), 'utf8');
    const lines = text.trimEnd().split('\n');
    const played = play(lines);
    if (isRecording) writeFileSync(join(HOME, name), `${played.join('\n')}\n`);
    else assert.deepEqual(lines, played);
    assert.ok(
      played.some((line) => line.startsWith('=')),
      'a case has a round',
    );
  });

test('there are cases', () => assert.ok(cases.length >= 20, `${cases.length}`));
