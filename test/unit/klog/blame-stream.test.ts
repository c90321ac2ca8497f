import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlameStream, KernelLogParser, type KernelReport } from '#klog';
import { encoders, type Printed } from '../../../testkit/kernel-log.ts';
import { pageFault, records } from '../../../testkit/sample-report.ts';

const SUSPECT = { moduleName: 'tuxtape_x', replaced: [{ object: 'vmlinux', name: 'fixed_read' }], callers: [] };

function fault(instruction: string, seconds: number, frames: readonly string[] = ['vfs_read']): Printed[] {
  return records(pageFault({ instruction, seconds, frames }), { seconds });
}

function load(seconds: number, name = 'tuxtape_x'): Printed {
  const text = `livepatch: enabling patch '${name}'`;
  return { text, microseconds: seconds * 1e6, level: 5, caller: 'T9', program: null };
}

/** What is told, in order: guilty function and level, or the step. */
function told(...log: readonly (Printed | readonly Printed[])[]): readonly string[] {
  const all: string[] = [];
  const stream = new BlameStream(SUSPECT, {
    report: ({ function: guilty }: KernelReport, { level }) => all.push(`${guilty} ${level}`),
    event: ({ step, patch }) => all.push(`${step} ${patch}`),
  });
  const parser = new KernelLogParser({
    transport: 'kmsg',
    report: (report) => stream.report(report),
    event: (event) => stream.event(event),
  });
  parser.push(Buffer.from(encoders.kmsg!.encode(log.flat())));
  parser.end();
  stream.end();
  return all;
}

test('what was printed before the load is the baseline of what comes after it, in the order printed', () => {
  assert.deepEqual(told(fault('old', 10), load(50), fault('old', 60), fault('new', 70)), [
    'old baseline',
    'enabling tuxtape_x',
    'old baseline',
    'new soon',
  ]);
});

test('a log without the load excuses nothing, and guesses nothing', () => {
  assert.deepEqual(told(fault('old', 10), load(50, 'other'), fault('old', 60), fault('fixed_read', 70)), [
    'old loaded',
    'enabling other',
    'old loaded',
    'fixed_read replaced',
  ]);
});

test('a report with code of the module before the load that the log tells is of an earlier load, and no excuse', () => {
  const own = ['fixed_read [tuxtape_x]'];
  assert.deepEqual(told(fault('f', 10, own), load(50), fault('f', 60, own)), [
    'f frame',
    'enabling tuxtape_x',
    'f frame',
  ]);
});

test('a second load does not make the reports after the first one known', () => {
  assert.deepEqual(told(load(50), fault('new', 60), load(100), fault('new', 110)), [
    'enabling tuxtape_x',
    'new soon',
    'enabling tuxtape_x',
    'new soon',
  ]);
});

test('more reports than are held back go out in order, and are not lost', () => {
  const many = Array.from({ length: 1100 }, (_, i) => fault(`f${i}`, i));
  const all = told(...many, load(2000), fault('f3', 2010), fault('new', 2020));
  assert.equal(all.length, 1103);
  assert.deepEqual(all.slice(0, 2), ['f0 loaded', 'f1 loaded']);
  assert.deepEqual(all.slice(-3), ['enabling tuxtape_x', 'f3 baseline', 'new soon']);
});
