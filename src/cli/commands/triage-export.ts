import { type Command, Option } from 'commander';
import { csvLine } from '#feed';
import { sha256, systemClock, writeOutput } from '#host';
import { type KernelRow, listVerdicts, needKernel, type Store, type VerdictRow, vexDocument } from '#store';
import {
  isBomLink,
  isPurl,
  isVersionedPurl,
  kernelPurl,
  toCycloneDx,
  toOpenVex,
  type VexProduct,
  vexUuid,
} from '#triage';
import type { Context } from '../context.ts';
import { CliError } from '../error.ts';
import { warnStale } from '../staleness.ts';
import { VERSION } from '../version.ts';

const FORMATS = ['openvex', 'cyclonedx', 'json', 'csv'] as const;
type Format = (typeof FORMATS)[number];

interface ExportFlags {
  readonly format: Format;
  readonly product: readonly string[];
  readonly within: readonly string[];
  readonly bom?: string;
  readonly author: string;
  readonly output?: string;
}

function more(text: string, before: readonly string[]): string[] {
  return [...before, text];
}

/** `triage export`: the verdicts of one kernel for other programs. */
export function registerTriageExport(triage: Command, context: Context): void {
  triage
    .command('export')
    .description('every verdict of a kernel as OpenVEX, CycloneDX VEX, JSON or CSV')
    .addOption(new Option('--format <format>', 'which').choices(FORMATS).default('openvex'))
    .option('--product <purl>', 'package URL by which a scanner knows this kernel; may be given again', more, [])
    .option(
      '--within <purl>',
      'OpenVEX: package URL of an image that contains the kernel; may be given again',
      more,
      [],
    )
    .option('--bom <urn>', 'CycloneDX: BOM-Link (urn:cdx:SERIAL/VERSION) of the BOM that lists the kernel')
    .option('--author <name>', 'who says it', 'TuxTape')
    .option('--output <file>', 'write there; default: standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape triage --kernel web export --output web.openvex.json\n  tuxtape triage --kernel web export --product pkg:deb/debian/linux-image-web@6.1.170 --product pkg:generic/linux-kernel@6.1.170-web\n  tuxtape triage --kernel web export --format cyclonedx --bom urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1 --product pkg:deb/debian/linux-image-web@6.1.170',
    )
    .action((flags: ExportFlags) => {
      const { kernel } = triage.opts<{ kernel?: string }>();
      if (kernel === undefined) triage.error("error: required option '--kernel <name>' not specified");
      return exportVerdicts(context, kernel, flags);
    });
}

async function exportVerdicts(context: Context, name: string, flags: ExportFlags): Promise<void> {
  const store = await context.store();
  const kernel = await needKernel(store.db, name);
  const product = productOf(kernel, flags);
  const rows = await listVerdicts(store.db, kernel.id, { limit: 0 });
  await warnStale(context);
  const text = await textOf(store, kernel, product, rows, flags);
  if (flags.output === undefined) {
    process.stdout.write(text);
    return;
  }
  await writeOutput(flags.output, text);
  context.print({ cves: rows.length, file: flags.output }, () => `${rows.length} CVEs in ${flags.output}`);
}

/** Errors: purl-invalid. A product without a version would dismiss CVEs of kernels that nobody looked at. */
function productOf(kernel: KernelRow, flags: ExportFlags): VexProduct {
  const { product, within } = flags;
  const bom = flags.bom ?? null;
  const invalid = (what: string, where: string, remedy: string): CliError =>
    new CliError('purl-invalid', 'input', { what, where, remedy });
  for (const purl of product)
    if (!isVersionedPurl(purl))
      throw invalid(
        'this is no package URL with a version',
        purl,
        'write it as pkg:deb/debian/linux-image-web@6.1.170',
      );
  for (const purl of within)
    if (!isPurl(purl)) throw invalid('this is no package URL', purl, 'write it as pkg:oci/web@sha256%3A…');
  if (bom !== null && !isBomLink(bom))
    throw invalid('this is no BOM-Link', bom, 'write it as urn:cdx:SERIAL/VERSION, as the BOM says both');
  const release = kernel.release ?? kernel.version;
  const purls = product.length > 0 ? product : [kernelPurl(kernel.name, release, kernel.buildId)];
  return { purls, within, bom, name: kernel.name, version: release, buildId: kernel.buildId };
}

async function textOf(
  store: Store,
  kernel: KernelRow,
  product: VexProduct,
  rows: readonly VerdictRow[],
  { format, author }: ExportFlags,
): Promise<string> {
  if (format === 'csv') return toCsv(rows);
  if (format === 'json') {
    const verdicts = rows.map(({ verdict, decidedAt }) => ({ ...verdict, decidedAt }));
    return `${JSON.stringify({ kernel: product, verdicts }, null, 2)}\n`;
  }
  // By id: the order of what matters moves without any statement being another one.
  const statements = rows.toSorted((a, b) => a.verdict.cve.localeCompare(b.verdict.cve, 'en', { numeric: true }));
  const uuid = vexUuid(format, kernel.buildId ?? kernel.id);
  const write = format === 'openvex' ? toOpenVex : toCycloneDx;
  const never = new Date(0);
  const draft = { author, toolVersion: VERSION, uuid, version: 1, issuedAt: never, changedAt: never };
  const digest = sha256(JSON.stringify(write(product, statements, draft)));
  const state = await vexDocument(store.db, kernel.id, format, digest, systemClock.now());
  return `${JSON.stringify(write(product, statements, { ...draft, ...state }), null, 2)}\n`;
}

function toCsv(rows: readonly VerdictRow[]): string {
  const head = csvLine(['cve', 'status', 'justification', 'score', 'class', 'title', 'evidence']);
  const lines = rows.map(({ verdict, score, class: standing, title }) => {
    const evidence = verdict.evidence.map(({ rung, sentence }) => `${rung}: ${sentence}`).join(' ');
    return csvLine([verdict.cve, verdict.status, verdict.justification, score, standing, title, evidence]);
  });
  return head + lines.join('');
}
