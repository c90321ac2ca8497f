import { randomUUID } from 'node:crypto';
import { type Command, Option } from 'commander';
import type { VerdictStatus } from '#domain';
import { csvLine } from '#feed';
import { systemClock, writeAtomic } from '#host';
import { type KernelRow, listKernels, listVerdicts, needKernel, type Store, type VerdictRow } from '#store';
import { kernelPurl, toCycloneDx, toOpenVex, type VexOrigin, type VexProduct } from '#triage';
import type { Context } from '../context.ts';
import { warnStale } from '../staleness.ts';
import { VERSION } from '../version.ts';

const FORMATS = ['openvex', 'cyclonedx', 'json', 'csv'] as const;
type Format = (typeof FORMATS)[number];

interface ExportFlags {
  readonly format: Format;
  readonly product?: string;
  readonly author: string;
  readonly output?: string;
}

/** `triage export` and `triage matrix`: the verdicts for other programs. */
export function registerTriageExport(triage: Command, context: Context): void {
  triage
    .command('export')
    .description('every verdict of a kernel as OpenVEX, CycloneDX VEX, JSON or CSV')
    .addOption(new Option('--format <format>', 'which').choices(FORMATS).default('openvex'))
    .option('--product <purl>', 'package URL by which your scanner knows this kernel')
    .option('--author <name>', 'who says it', 'TuxTape')
    .option('--output <file>', 'write there; default: standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape triage --kernel web export --output web.openvex.json\n  tuxtape triage --kernel web export --format cyclonedx --product pkg:deb/debian/linux-image-web@6.1.170',
    )
    .action((flags: ExportFlags) => {
      const { kernel } = triage.opts<{ kernel?: string }>();
      if (kernel === undefined) triage.error("error: required option '--kernel <name>' not specified");
      return exportVerdicts(context, kernel, flags);
    });
  triage
    .command('matrix')
    .description('CVE × kernel as CSV: the status of each CVE for every kernel')
    .option('--output <file>', 'write there; default: standard output')
    .addHelpText('after', '\nExample:\n  tuxtape triage matrix --output matrix.csv')
    .action((flags: { output?: string }) => exportMatrix(context, flags.output));
}

async function exportVerdicts(context: Context, name: string, flags: ExportFlags): Promise<void> {
  const { db } = await context.store();
  const kernel = await needKernel(db, name);
  const rows = await listVerdicts(db, kernel.id, { limit: 0 });
  await warnStale(context);
  await write(context, rows.length, textOf(kernel, rows, flags), flags.output);
}

function textOf(kernel: KernelRow, rows: readonly VerdictRow[], flags: ExportFlags): string {
  if (flags.format === 'csv') return toCsv(rows);
  const verdicts = rows.map(({ verdict }) => verdict);
  const release = kernel.release ?? kernel.version;
  const product: VexProduct = {
    purl: flags.product ?? kernelPurl(kernel.name, release, kernel.buildId),
    name: kernel.name,
    version: release,
    buildId: kernel.buildId,
  };
  const origin: VexOrigin = { author: flags.author, at: systemClock.now(), uuid: randomUUID(), toolVersion: VERSION };
  const document = {
    openvex: () => toOpenVex(product, verdicts, origin),
    cyclonedx: () => toCycloneDx(product, verdicts, origin),
    json: () => ({ kernel: product, verdicts }),
  }[flags.format]();
  return `${JSON.stringify(document, null, 2)}\n`;
}

function toCsv(rows: readonly VerdictRow[]): string {
  const head = csvLine(['cve', 'status', 'justification', 'score', 'class', 'title', 'evidence']);
  const lines = rows.map(({ verdict, score, class: standing, title }) => {
    const evidence = verdict.evidence.map(({ rung, sentence }) => `${rung}: ${sentence}`).join(' ');
    return csvLine([verdict.cve, verdict.status, verdict.justification, score, standing, title, evidence]);
  });
  return head + lines.join('');
}

async function exportMatrix(context: Context, output: string | undefined): Promise<void> {
  const store = await context.store();
  await warnStale(context);
  const { kernels, cells } = await matrixOf(store);
  const head = csvLine(['cve', ...kernels.map(({ name }) => name)]);
  const lines = [...cells].map(([cve, byKernel]) =>
    csvLine([cve, ...kernels.map(({ id }) => byKernel.get(id) ?? null)]),
  );
  await write(context, cells.size, head + lines.join(''), output);
}

/** An empty cell is a CVE that was not decided for this kernel yet: unknown, never harmless. */
async function matrixOf(
  store: Store,
): Promise<{ kernels: KernelRow[]; cells: Map<string, Map<string, VerdictStatus>> }> {
  const kernels = await listKernels(store.db);
  const cells = new Map<string, Map<string, VerdictStatus>>();
  for (const { id } of kernels) {
    for (const { verdict } of await listVerdicts(store.db, id, { limit: 0 })) {
      const row = cells.get(verdict.cve) ?? new Map<string, VerdictStatus>();
      cells.set(verdict.cve, row.set(id, verdict.status));
    }
  }
  return { kernels, cells };
}

async function write(context: Context, cves: number, text: string, output: string | undefined): Promise<void> {
  if (output === undefined) {
    process.stdout.write(text);
    return;
  }
  await writeAtomic(output, text);
  context.print({ cves, file: output }, () => `${cves} CVEs in ${output}`);
}
