/** A host that is told to stop is left alone, however many runs begin while a release is on trial. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Run } from '../../../src/agent/context.ts';
import { AgentError } from '../../../src/agent/error.ts';
import { emptyJournal, type Journal } from '../../../src/agent/journal.ts';
import { countRun, stuck } from '../../../src/agent/steps/survive.ts';

const BOOT = 'boot-1';
const HUNG = new AgentError('task-hung', 'patch', { what: 'the look does not end' });

async function runs(
  level: 'normal' | 'stop',
  count: number,
  hung = false,
): Promise<{ journal: Journal; disabled: string[] }> {
  const release = { sha256: 'a'.repeat(64), moduleName: 'tuxtape_1', number: 1 };
  const disabled: string[] = [];
  const run = {
    journal: { ...emptyJournal(BOOT), state: 'soaking', release },
    note: (journal: Journal) => ((run.journal = journal as never), Promise.resolve()),
    complain: () => undefined,
    doors: {
      level: () => Promise.resolve(level),
      kernel: { disable: (name: string) => (disabled.push(name), Promise.resolve()) },
    },
  };
  for (let i = 0; i < count; i += 1) await countRun(run as unknown as Run, BOOT);
  if (hung) await assert.rejects(stuck(run as unknown as Run, HUNG), HUNG);
  return { journal: run.journal as unknown as Journal, disabled };
}

test('runs that are cut off take the release off, but never at the level "stop"', async () => {
  assert.deepEqual((await runs('normal', 3)).disabled, []);
  const off = await runs('normal', 4);
  assert.deepEqual([off.journal.state, off.disabled], ['reverted', ['tuxtape_1']]);
  const left = await runs('stop', 20);
  assert.deepEqual([left.journal.state, left.journal.attempts, left.disabled], ['soaking', null, []]);
});

test('a look that never ends takes the release off, but never at the level "stop"', async () => {
  assert.deepEqual((await runs('normal', 0, true)).disabled, ['tuxtape_1']);
  const left = await runs('stop', 0, true);
  assert.deepEqual([left.journal.state, left.disabled], ['soaking', []]);
});
