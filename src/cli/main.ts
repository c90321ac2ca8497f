import { Command, CommanderError, Option } from 'commander';
import { type Config, type ConfigKey, loadConfig } from '#config';
import { StageError } from '#domain';
import { createLogger, type Logger } from '#host';
import { openStore, type Store } from '#store';
import { registerArchive } from './commands/archive/index.ts';
import { registerAudit } from './commands/audit.ts';
import { registerBackup } from './commands/backup.ts';
import { registerBuilder } from './commands/builder.ts';
import { registerConfig } from './commands/config.ts';
import { registerCve } from './commands/cve.ts';
import { registerDb } from './commands/db.ts';
import { registerFeed } from './commands/feed.ts';
import { registerHost } from './commands/host.ts';
import { registerJob } from './commands/job.ts';
import { registerKernel } from './commands/kernel.ts';
import { registerKernelBuilds } from './commands/kernel-builds.ts';
import { registerKlog } from './commands/klog.ts';
import { registerLivepatch } from './commands/livepatch.ts';
import { registerNotify } from './commands/notify.ts';
import { registerPatch } from './commands/patch.ts';
import { registerPipeline } from './commands/pipeline.ts';
import { registerPolicy } from './commands/policy.ts';
import { registerReboot } from './commands/reboot.ts';
import { registerReport } from './commands/report.ts';
import { registerReviewer } from './commands/reviewer.ts';
import { registerRollout } from './commands/rollout.ts';
import { registerToken } from './commands/token.ts';
import { registerToolchain } from './commands/toolchain.ts';
import { registerTriage } from './commands/triage.ts';
import { registerUp } from './commands/up.ts';
import { registerUser } from './commands/user.ts';
import type { Context } from './context.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { errorToJson, Progress, renderError, toJson } from './output.ts';
import { VERSION } from './version.ts';

/** Wires the doors of one run of the CLI; what was opened is closed by `close`. */
class CliContext implements Context {
  readonly #program: Command;
  readonly #abort = new AbortController();
  #config: Promise<Config> | undefined;
  #store: Promise<Store> | undefined;
  #log: Promise<Logger> | undefined;

  constructor(program: Command) {
    this.#program = program;
  }

  get json(): boolean {
    return this.#program.opts<{ json?: boolean }>().json === true;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  interrupt(): void {
    this.#abort.abort();
  }

  config(): Promise<Config> {
    this.#config ??= loadConfig(this.#loadOptions());
    return this.#config;
  }

  #loadOptions(): Parameters<typeof loadConfig>[0] {
    const { data, configFile } = this.#program.opts<{ data?: string; configFile?: string }>();
    const flags = new Map<ConfigKey, { value: string; flag: string }>();
    if (data !== undefined) flags.set('data', { value: data, flag: 'data' });
    return { flags, file: configFile };
  }

  async store(): Promise<Store> {
    const config = await this.config();
    this.#store ??= openStore({ dataDirectory: config.need('data'), databaseUrl: config.text('database.url') });
    return this.#store;
  }

  async log(): Promise<Logger> {
    const config = await this.config();
    this.#log ??= Promise.resolve(createLogger(config.need('log.level')));
    return this.#log;
  }

  print(result: unknown, render: () => string): void {
    process.stdout.write(`${this.json ? toJson(result) : render()}\n`);
  }

  async progress<T>(title: string, body: (step: Progress['step']) => Promise<T>, whenStopped?: string): Promise<T> {
    const progress = new Progress(title);
    let ok = false;
    try {
      const result = await body(progress.step);
      ok = true;
      return result;
    } finally {
      progress.end(ok ? 'done' : this.signal.aborted ? 'stopped' : 'failed', whenStopped);
    }
  }

  async close(): Promise<void> {
    const store = await this.#store?.catch(() => undefined);
    await store?.close();
  }
}

function buildProgram(): { program: Command; context: CliContext } {
  const program = new Command('tuxtape')
    .description('Live-patching for Linux kernels that nobody livepatches for you')
    .addOption(new Option('--data <dir>', 'data directory (environment: TUXTAPE_DATA)'))
    .addOption(
      new Option(
        '--config-file <file>',
        'configuration file (environment: TUXTAPE_CONFIG; default: tuxtape.toml in the data directory)',
      ),
    )
    .addOption(new Option('--json', 'print results and errors as JSON'))
    .showHelpAfterError('(run the command with --help for its usage)')
    .exitOverride()
    .addHelpText('after', HELP);
  const context = new CliContext(program);
  const commands = [
    registerFeed,
    registerCve,
    registerKernel,
    registerKernelBuilds,
    registerToolchain,
    registerTriage,
    registerPatch,
    registerLivepatch,
    registerReviewer,
    registerBuilder,
    registerJob,
    registerHost,
    registerReboot,
    registerPolicy,
    registerPipeline,
    registerNotify,
    registerKlog,
    registerArchive,
    registerRollout,
    registerReport,
    registerUp,
    registerUser,
    registerToken,
    registerAudit,
    registerDb,
    registerBackup,
    registerConfig,
  ];
  for (const register of commands) register(program, context);
  return { program, context };
}

const HELP = `
Examples:
  tuxtape up                                   sync, show what matters, serve the page
  tuxtape feed sync                            read new announcements and records
  tuxtape kernel add web --source linux-6.1.170 --config web.config
  tuxtape kernel build web
  tuxtape triage --kernel web                  which CVEs matter to it, and why
  tuxtape livepatch build --kernel web --cve CVE-2026-53352 --fixes ./fixes
  tuxtape livepatch verify ID                  prove it in a virtual machine
  tuxtape livepatch approve ID --key jane.pem --reason 'read the change, and its proof'
  tuxtape klog parse dmesg.txt                 what the kernel reported in a log
  tuxtape --version                            which TuxTape this is

Exit codes: 0 done, 1 defect of TuxTape, 64 usage, 65 wrong input, 68 network, 69 program or disk missing,
70 the kernel does not build, 71 the patch cannot be applied or livepatched, 76 untrusted data refused, 130 stopped,
141 the reader of the output went away.`;

function report(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
  process.stderr.write(`${json ? toJson(errorToJson(error)) : renderError(error)}\n`);
  return error instanceof StageError ? exitCodeOf(error.fault) : exitCodes.us;
}

/** How the run ends when nobody takes its results. */
let outputLost: number | undefined;

/**
 * Whoever read the results has seen enough (`| head`): what runs is stopped, as by Ctrl-C. Words to stderr that nobody reads
 * stop nothing.
 */
function watchReaders(gone: () => void): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    outputLost = error.code === 'EPIPE' ? exitCodes.readerGone : exitCodes.toolchain;
    process.exitCode = outputLost;
    if (error.code !== 'EPIPE') process.stderr.write(`tuxtape: the output cannot be written: ${error.message}\n`);
    gone();
  });
  process.stderr.on('error', () => {});
}

async function main(): Promise<number> {
  // By hand, and first only: `triage --version 6.12.95` means a kernel's.
  if (['--version', '-V'].includes(process.argv[2] ?? '')) {
    process.stdout.write(`${VERSION}\n`);
    return 0;
  }
  const { program, context } = buildProgram();
  const interrupt = (): void => context.interrupt();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  watchReaders(interrupt);
  try {
    await program.parseAsync();
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (outputLost !== undefined) return outputLost;
    return context.signal.aborted ? exitCodes.interrupted : report(error, context.json);
  } finally {
    await context.close();
  }
}

const code = await main();
process.exitCode = outputLost ?? code;
