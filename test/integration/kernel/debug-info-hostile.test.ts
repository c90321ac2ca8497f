/** Debug information with bytes changed at random: a profile, its `unreadable` or KernelError; nothing else, and soon. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { KernelError, readDebugProfile } from '#kernel';
import { SOURCES, tinyPackage } from '../../../testkit/debug-package.ts';
import { scratch } from '../../../testkit/scratch.ts';

const RUNS = 150;
const MAX_MS = 5_000;
/** Codes a changed file may be refused by; any other would blame something else. */
const CODES: ReadonlySet<string> = new Set(['debug-info-missing', 'debug-info-unreadable', 'build-id-missing']);

interface Change {
  readonly at: number;
  readonly bytes: readonly number[];
}

/** Where ELF keeps what this is about: the debug sections and the table of sections at the end. */
function lastParts(file: Buffer): number {
  const text = file.indexOf('GNU C');
  return text < 0 ? 0 : Math.max(0, Math.min(text, Math.floor(file.length / 8)));
}

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  bytes: fc.array(fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 9,
  }),
});

function changed(file: Buffer, changes: readonly Change[]): Buffer {
  const copy = Buffer.from(file);
  const from = lastParts(file);
  for (const { at, bytes } of changes) {
    const start = from + Math.floor(at * (file.length - from));
    for (const [i, byte] of bytes.entries()) if (start + i < copy.length) copy[start + i] = byte;
  }
  return copy;
}

for (const [what, flags, link] of [
  ['DWARF 5', ['-gdwarf-5'], []],
  ['DWARF 3', ['-gdwarf-3'], []],
  ['compressed', ['-gdwarf-5', '-gz=zlib'], ['--compress-debug-sections=zlib']],
] as const)
  for (const part of ['vmlinux', 'module'] as const)
    test(`changed bytes in a ${part}, ${what}`, { timeout: 300_000 }, async () => {
      const made = await tinyPackage(await scratch(), { flags, link });
      const whole = await readFile(made[part]);
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
          await writeFile(made[part], changed(whole, changes));
          const started = performance.now();
          await readDebugProfile({ directory: made.directory, sources: SOURCES }).catch((error: unknown) => {
            assert.ok(error instanceof KernelError && CODES.has(error.code), String((error as Error).stack));
          });
          assert.ok(performance.now() - started < MAX_MS, 'it took too long');
        }),
        { numRuns: RUNS },
      );
    });
