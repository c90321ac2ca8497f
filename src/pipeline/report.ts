import { join } from 'node:path';
import { priorityClasses, reachClasses } from '#domain';
import { csvLine } from '#feed';
import { makeFolders, writeAtomic } from '#host';
import { classFigures, type Db, type MonthFigures, monthFigures } from '#store';
import { barsByMonth, countsByName, shareByMonth } from './charts.ts';

/** A picture, with the table it was drawn from. */
export interface Figure {
  readonly name: string;
  readonly svg: string;
  readonly csv: string;
}

/** The figures of the whole feed: CVEs by month, the share that was scored, classes, reach. */
export async function reportFigures(db: Db): Promise<Figure[]> {
  const months = fill(await monthFigures(db));
  const classes = await classFigures(db);
  const total = (keep: (row: (typeof classes)[number]) => boolean): number =>
    classes.filter(keep).reduce((sum, { count }) => sum + count, 0);
  const byClass = priorityClasses
    .filter((name) => name !== 'rejected')
    .map((name) => [name, total((row) => row.class === name)] as const);
  const byReach = reachClasses.map((name) => [name, total((row) => row.reach === name)] as const);
  const names = months.map(({ month }) => month);
  return [
    {
      name: 'cves-per-month',
      svg: await barsByMonth('Kernel CVEs by month of announcement, by the score of the CNA', names, [
        { name: 'critical', values: months.map(({ critical }) => critical) },
        { name: 'high', values: months.map(({ high }) => high) },
        { name: 'lower', values: months.map(({ lower }) => lower) },
        { name: 'not scored', values: months.map(({ notScored }) => notScored) },
      ]),
      csv: monthTable(months),
    },
    {
      name: 'scored-share',
      svg: await shareByMonth(
        'Share of the CVEs of each month that the CNA has scored by now',
        names,
        months.map(share),
      ),
      csv: table(
        ['month', 'scored_percent'],
        months.map((month) => [month.month, share(month)]),
      ),
    },
    {
      name: 'classes',
      svg: await countsByName('Published CVEs by class (logarithmic)', byClass),
      csv: table(['class', 'cves'], byClass),
    },
    {
      name: 'reach',
      svg: await countsByName('Published CVEs by who can reach them (logarithmic)', byReach),
      csv: table(['reach', 'cves'], byReach),
    },
  ];
}

/** Writes each figure as `<name>.svg` and `<name>.csv`; returns the paths. */
export async function writeReport(db: Db, folder: string): Promise<string[]> {
  const figures = await reportFigures(db);
  await makeFolders(folder);
  const files = figures.flatMap(({ name, svg, csv }) => [
    [join(folder, `${name}.svg`), svg] as const,
    [join(folder, `${name}.csv`), csv] as const,
  ]);
  for (const [path, text] of files) await writeAtomic(path, text);
  return files.map(([path]) => path);
}

/** A month without a CVE is a month with none, not a gap that is drawn over. */
function fill(months: readonly MonthFigures[]): MonthFigures[] {
  const known = new Map(months.map((figures) => [figures.month, figures]));
  const [first, last] = [months[0]?.month, months.at(-1)?.month];
  const filled: MonthFigures[] = [];
  if (first === undefined || last === undefined) return filled;
  for (let month = first; month <= last; month = after(month))
    filled.push(known.get(month) ?? { month, critical: 0, high: 0, lower: 0, notScored: 0, rejected: 0 });
  return filled;
}

function after(month: string): string {
  const [year, number] = month.split('-').map(Number) as [number, number];
  return new Date(Date.UTC(year, number, 1)).toISOString().slice(0, 7);
}

/** Per cent with one digit; null = no CVE in that month. */
function share({ critical, high, lower, notScored }: MonthFigures): number | null {
  const scored = critical + high + lower;
  return scored + notScored === 0 ? null : Math.round((scored / (scored + notScored)) * 1000) / 10;
}

function monthTable(months: readonly MonthFigures[]): string {
  const rows = months.map((row) => [row.month, row.critical, row.high, row.lower, row.notScored, row.rejected]);
  return table(['month', 'critical', 'high', 'lower', 'not_scored', 'rejected'], rows);
}

function table(head: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  return [head, ...rows].map((row) => csvLine(row)).join('');
}
