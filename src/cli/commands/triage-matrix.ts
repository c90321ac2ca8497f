import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import type { VerdictStatus } from '#domain';
import { csvLine } from '#feed';
import { writeOutput } from '#host';
import { type KernelRow, listKernels, type MatrixRow, matrixRows, type Store } from '#store';
import type { Context } from '../context.ts';
import { warnStale } from '../staleness.ts';
import { inert, shorten, table, wholeNumber } from '../text.ts';

const FORMATS = ['text', 'csv', 'json'] as const;
type Format = (typeof FORMATS)[number];
const DEFAULT_LIMIT = 25;

interface MatrixFlags {
  readonly format?: Format;
  readonly all?: boolean;
  readonly limit?: number;
  readonly output?: string;
}

/** As few letters as can be told apart: a table has a column for each kernel. */
const WORDS: Readonly<Record<VerdictStatus, string>> = {
  affected: 'affected',
  under_investigation: 'open',
  fixed: 'fixed',
  not_affected: 'no',
};
const UNDECIDED = '?';

/** `triage matrix`: the status of each CVE for every kernel. */
export function registerTriageMatrix(triage: Command, context: Context): void {
  triage
    .command('matrix')
    .description('CVE × kernel: the status of each CVE for every kernel')
    .addOption(new Option('--format <format>', 'which; default: text, or json with --json').choices(FORMATS))
    .option('--all', 'as text: also the CVEs that matter to no kernel')
    .option('--limit <n>', `how many CVEs; 0 = all; default: ${DEFAULT_LIMIT} as text, else all`, wholeNumber)
    .option('--output <file>', 'write there; default: standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape triage matrix\n  tuxtape triage matrix --format csv --output matrix.csv',
    )
    // `triage` has a --limit too, and takes it first.
    .action((flags: MatrixFlags, command: Command) => {
      const limit =
        flags.limit ?? (triage.getOptionValueSource('limit') === 'cli' ? Number(triage.opts()['limit']) : undefined);
      return matrix(context, { ...flags, ...(limit === undefined ? {} : { limit }) }, command);
    });
}

async function matrix(context: Context, flags: MatrixFlags, command: Command): Promise<void> {
  const store = await context.store();
  const format = flags.format ?? (command.optsWithGlobals<{ json?: boolean }>().json === true ? 'json' : 'text');
  await warnStale(context);
  const kernels = await listKernels(store.db);
  const pieces = { text: asText, csv: asCsv, json: asJson }[format](store, kernels, flags);
  if (flags.output === undefined) await pipeline(Readable.from(pieces), process.stdout, { end: false });
  else {
    await writeOutput(flags.output, pieces);
    context.print({ file: flags.output }, () => `the matrix of ${kernels.length} kernels is in ${flags.output}`);
  }
}

type Pieces = AsyncGenerator<string>;

async function* rowsOf(
  store: Store,
  kernels: readonly KernelRow[],
  limit: number,
  all: boolean,
): AsyncGenerator<MatrixRow> {
  let count = 0;
  const ids = kernels.map(({ id }) => id);
  for await (const row of matrixRows(store.db, ids)) {
    if (!all && !matters(row, ids)) continue;
    if (limit > 0 && count >= limit) return;
    count += 1;
    yield row;
  }
}

/** A CVE matters unless every kernel is known to be well: what is not decided yet is unknown, never harmless. */
function matters({ status }: MatrixRow, kernels: readonly string[]): boolean {
  return kernels.some((id) => {
    const said = status.get(id);
    return said !== 'not_affected' && said !== 'fixed';
  });
}

async function* asText(store: Store, kernels: readonly KernelRow[], flags: MatrixFlags): Pieces {
  const rows: string[][] = [];
  const isTerminal = flags.output === undefined && process.stdout.isTTY;
  for await (const { cve, title, status } of rowsOf(store, kernels, flags.limit ?? DEFAULT_LIMIT, flags.all === true)) {
    const cells = kernels.map(({ id }) => wordOf(status.get(id)));
    rows.push([cve, ...cells, shorten(inert(title), 50, isTerminal)]);
  }
  if (rows.length === 0) yield kernels.length === 0 ? 'There is no kernel yet.\n' : 'No CVE matters to any kernel.\n';
  else yield `${table(['CVE', ...kernels.map(({ name }) => name), 'TITLE'], rows)}\n`;
  yield `\nno: not affected; open: under investigation; ${UNDECIDED}: not decided yet (run "tuxtape triage --kernel NAME")\n`;
}

function wordOf(status: VerdictStatus | undefined): string {
  return status === undefined ? UNDECIDED : WORDS[status];
}

/** An empty cell is a CVE that was not decided for this kernel yet. */
async function* asCsv(store: Store, kernels: readonly KernelRow[], { limit = 0 }: MatrixFlags): Pieces {
  yield csvLine(['cve', ...kernels.map(({ name }) => name)]);
  for await (const { cve, status } of rowsOf(store, kernels, limit, true))
    yield csvLine([cve, ...kernels.map(({ id }) => status.get(id) ?? null)]);
}

/** A kernel that is null did not decide this CVE yet. */
async function* asJson(store: Store, kernels: readonly KernelRow[], { limit = 0 }: MatrixFlags): Pieces {
  yield `{"kernels": ${JSON.stringify(kernels.map(({ name }) => name))}, "cves": [`;
  let separator = '\n';
  for await (const { cve, status } of rowsOf(store, kernels, limit, true)) {
    const cells = Object.fromEntries(kernels.map(({ id, name }) => [name, status.get(id) ?? null]));
    yield `${separator}${JSON.stringify({ cve, status: cells })}`;
    separator = ',\n';
  }
  yield '\n]}\n';
}
