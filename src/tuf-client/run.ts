import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { hasCode, StageError } from '#domain';
import { type Clock, readLimited, writeAtomic } from '#host';
import { establishRoot, isTarget, MetadataFolder, type TargetMeta, TufClient, targetFileName } from '#trust';
import { TufClientError } from './error.ts';

const MAX_ROOT_BYTES = 512_000;
const MAX_TARGET_BYTES = 512 << 20;

const HELP = `tuxtape-tuf-client --metadata-dir DIR init ROOT
    trust this root.json; asks nobody
tuxtape-tuf-client --metadata-dir DIR --metadata-url URL refresh
    bring root, timestamp, snapshot and targets up to date
tuxtape-tuf-client --metadata-dir DIR --metadata-url URL --target-name NAME --target-base-url URL --target-dir DIR download
    refresh, then fetch one target; one that is there already and right is not fetched again

Exit codes: 0 done, 1 not done (the reason is on stderr).`;

const options = {
  'metadata-dir': { type: 'string' },
  'metadata-url': { type: 'string' },
  'target-name': { type: 'string' },
  'target-base-url': { type: 'string' },
  'target-dir': { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;
type Option = Exclude<keyof typeof options, 'help'>;

export interface Doors {
  readonly clock: Clock;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** One command of the TUF client, in the form conformance suites ask for. Returns the exit code. */
export async function runTufClient(args: readonly string[], doors: Doors): Promise<number> {
  try {
    await execute(args, doors);
    return 0;
  } catch (error) {
    doors.err(render(error));
    return 1;
  }
}

async function execute(args: readonly string[], { clock, out }: Doors): Promise<void> {
  const { values, positionals } = parse(args);
  if (values.help) {
    out(`${HELP}\n`);
    return;
  }
  const need = (name: Option): string => values[name] ?? usage(`--${name} is missing`);
  const [command, ...rest] = positionals;
  const folder = new MetadataFolder(need('metadata-dir'));
  if (command === 'init' && rest.length === 1)
    return establishRoot(folder, await readLimited(rest[0]!, MAX_ROOT_BYTES));
  if ((command !== 'refresh' && command !== 'download') || rest.length > 0) usage('no such command');
  const place = { folder, metadataUrl: need('metadata-url'), clock };
  if (command === 'refresh') {
    await TufClient.refresh(place);
    return;
  }
  const [name, baseUrl, targets] = [need('target-name'), need('target-base-url'), need('target-dir')];
  await download(await TufClient.refresh(place), name, baseUrl, targets);
}

interface Arguments {
  readonly values: Readonly<Partial<Record<Option, string>>> & { readonly help: boolean };
  readonly positionals: readonly string[];
}

function parse(args: readonly string[]): Arguments {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    return usage(error instanceof Error ? error.message : 'the arguments cannot be read');
  }
}

async function download(client: TufClient, name: string, baseUrl: string, folder: string): Promise<void> {
  const target = await client.find(name);
  // TUF 1.0, 5.7.2: "If there is no targets metadata about this target, abort […] and report that there is no such target."
  if (target === undefined)
    throw new TufClientError('target-unknown', 'input', {
      what: 'the archive has no such target, or no role that may speak for it',
      where: name,
    });
  const file = join(folder, targetFileName(name));
  if (await isThere(file, target)) return;
  await writeAtomic(file, await client.fetchTarget(baseUrl, name, target, MAX_TARGET_BYTES));
}

async function isThere(file: string, target: TargetMeta): Promise<boolean> {
  try {
    return isTarget(await readLimited(file, target.length), target);
  } catch (error) {
    if (hasCode(error, 'file-missing', 'file-too-large')) return false;
    throw error;
  }
}

function usage(what: string): never {
  throw new TufClientError('usage', 'input', { what, remedy: 'see tuxtape-tuf-client --help' });
}

function render(error: unknown): string {
  if (!(error instanceof StageError)) return `tuxtape-tuf-client: internal error: ${String(error)}\n`;
  const lines = [`tuxtape-tuf-client: ${error.message} [${error.code}]`];
  if (error.where !== undefined) lines.push(`  where: ${error.where}`);
  if (error.remedy !== undefined) lines.push(`  do:    ${error.remedy}`);
  if (error.cause instanceof Error) lines.push(`  cause: ${error.cause.message}`);
  // What an archive says goes to a terminal: its control characters do not.
  return `${lines.map((line) => line.replace(/[\p{Cc}\p{Cf}]/gu, '�')).join('\n')}\n`;
}
