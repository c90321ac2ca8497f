import { InvalidArgumentError } from 'commander';
import { type LoggedChange, needKernel, verdictChanges } from '#store';
import type { Context } from '../context.ts';
import { inert, shorten, table } from '../text.ts';

const DAY_MS = 86_400_000;

/** A day, or a number of days ago. */
export function sinceDay(text: string): Date {
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  const time = days === undefined ? Date.parse(text) : Date.now() - Number(days) * DAY_MS;
  if (Number.isNaN(time)) throw new InvalidArgumentError('write a day as 2026-11-24, or days ago as 7d');
  return new Date(time);
}

/** What became another verdict since then. */
export async function triageChanges(context: Context, name: string, since: Date): Promise<void> {
  const { db } = await context.store();
  const kernel = await needKernel(db, name);
  const changes = await verdictChanges(db, kernel.id, since);
  context.print({ kernel: kernel.name, since: since.toISOString(), changes }, () =>
    [
      `${summary(changes)} since ${since.toISOString().slice(0, 16)}Z`,
      ...(changes.length === 0
        ? []
        : [
            table(
              ['WHEN', 'CVE', 'BEFORE', 'NOW', 'TITLE'],
              changes.map(({ at, cve, before, after, rejected, title }) => [
                at.toISOString().slice(0, 16),
                cve,
                before ?? 'new',
                rejected ? 'withdrawn' : after,
                shorten(inert(title), 60),
              ]),
            ),
          ]),
    ].join('\n'),
  );
}

/** `3 new, 1 withdrawn, 2 became fixed`. */
export function summary(changes: readonly LoggedChange[]): string {
  const count = (keep: (change: LoggedChange) => boolean): number => changes.filter(keep).length;
  const parts = [
    [count(({ before, after }) => before === null && after === 'affected'), 'new'],
    [count(({ before, after }) => before !== null && after === 'affected'), 'became affected'],
    [count(({ after }) => after === 'under_investigation'), 'under investigation'],
    [count(({ before, after }) => before !== null && after === 'fixed'), 'became fixed'],
    [
      count(({ before, after, rejected }) => !rejected && before !== null && after === 'not_affected'),
      'became not affected',
    ],
    [count(({ rejected }) => rejected), 'withdrawn'],
  ] as const;
  const said = parts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  return said.join(', ') || 'nothing that affects it changed';
}
