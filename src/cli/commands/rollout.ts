import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type RolloutCommand, WHOLE } from '#domain';
import { readLimited, systemClock } from '#host';
import {
  archiveSigner,
  draftRollout,
  folderSigner,
  RolloutController,
  type RolloutSigner,
  stopPublished,
} from '#pipeline';
import { belowFloors, type FleetPlan, MAX_POLICY_BYTES, planText, readPolicy } from '#rollout';
import { askRollout, listRollouts, needRollout, rolloutEvents } from '#store';
import type { Context } from '../context.ts';
import { CliError } from '../error.ts';
import { collect, inertLines, wholeNumber } from '../text.ts';
import { placeOf } from './archive/place.ts';
import { author } from './person.ts';
import { rolloutTable, rolloutText } from './rollout-text.ts';

const EVENTS_SHOWN = 20;
const FILES = 'folder of the rollout files, for somebody else to sign; instead of --archive and --keys';
const ARCHIVE = 'the archive whose rollout role signs what hosts read';
const KEYS = 'folder with the key of that role';

/** Who signs what is decided: the archive itself, or whoever takes the files of a folder. */
interface SignerFlags {
  readonly files?: string;
  readonly archive?: string;
  readonly keys?: readonly string[];
}

interface AskFlags extends SignerFlags {
  readonly reason: string;
  readonly by?: string;
}

interface StartFlags extends AskFlags {
  readonly archive: string;
  readonly policy: string;
  readonly release?: number;
  readonly leastSoak: number;
  readonly largestShare: number;
}

/** `tuxtape rollout`: a release on its way to the hosts of a kernel, ring by ring. */
export function registerRollout(program: Command, context: Context): void {
  const rollout = program.command('rollout').description('bring a release to hosts, ring by ring; stop it');
  registerStart(rollout, context);
  registerLooks(rollout, context);
  registerStop(rollout, context);
  const asks: ['pause' | 'halt' | 'recall', string][] = [
    ['pause', 'no host starts; what is in flight goes on'],
    ['halt', 'no host starts; hosts in flight do as the policy says'],
    ['recall', 'stop every ring for good; taking it off hosts is a recall of the archive'],
  ];
  for (const [what, about] of asks)
    asking(rollout.command(what).description(about)).action((id: string, flags: AskFlags) =>
      ask(context, id, flags, { do: what }),
    );
  asking(rollout.command('resume').description('go on after a pause or a halt'))
    .requiredOption('--failures <n>', 'how many failed hosts "rollout status" showed you', wholeNumber)
    .option('--past-inconclusive', 'go past a step that proved nothing')
    .action((id: string, flags: AskFlags & { failures: number; pastInconclusive?: boolean }) =>
      ask(context, id, flags, {
        ...{ do: 'resume', failures: flags.failures, inconclusive: flags.pastInconclusive === true },
      }),
    );
  asking(rollout.command('expedite').description('hurry it: no soak beyond the signed floors, no windows; takes two'))
    .requiredOption('--second <name>', 'the other person who asks for it')
    .action((id: string, flags: AskFlags & { second: string }) =>
      ask(context, id, flags, { do: 'expedite', second: flags.second }),
    );
  for (const what of ['hold', 'unhold'] as const)
    asking(rollout.command(what).description(what === 'hold' ? 'keep a host out' : 'let it in again'))
      .requiredOption('--host <id>', 'the host')
      .action((id: string, flags: AskFlags & { host: string }) =>
        ask(context, id, flags, { do: what, host: flags.host }),
      );
}

function registerStop(rollout: Command, context: Context): void {
  signing(rollout.command('stop'))
    .description('stop every rollout at once, also where the database is away: only the files are needed')
    .action(async (flags: SignerFlags) => {
      const stopped = await stopPublished(await signerOf(flags));
      context.print(stopped, () =>
        stopped.length === 0
          ? 'nothing is published, so no host can start'
          : stopped.map(({ buildId, serial }) => `stopped ${buildId}, serial ${serial}`).join('\n'),
      );
    });
}

function asking(command: Command): Command {
  return command
    .argument('<rollout>', 'id, or the beginning of it')
    .requiredOption('--reason <text>', 'why; it stands in the events and in the audit')
    .option('--by <name>', 'who; default: the user of this session')
    .option('--files <dir>', FILES)
    .option('--archive <dir>', `${ARCHIVE}; given: it is done now, else in the next round of the controller`)
    .option('--keys <dir>', KEYS, collect, []);
}

function registerStart(rollout: Command, context: Context): void {
  rollout
    .command('start')
    .description('roll a release of the archive out by a policy')
    .argument('<kernel>', 'name, id or build-id')
    .requiredOption('--archive <dir>', 'the archive the release is in')
    .requiredOption('--policy <file>', 'the policy, as TOML (docs/reference/rollout.md)')
    .option('--files <dir>', FILES)
    .option('--keys <dir>', KEYS, collect, [])
    .requiredOption('--reason <text>', 'why; it stands in the events and in the audit')
    .option('--release <n>', 'its number; default: the newest', wholeNumber)
    .option('--least-soak <seconds>', 'floor of each soak, as the release role signed it', wholeNumber, 600)
    .option('--largest-share <percent>', 'floor: most of a ring that a step adds', wholeNumber, 25)
    .option('--by <name>', 'who; default: the user of this session')
    .addHelpText(
      'after',
      '\nExample:\n  tuxtape rollout start web --archive /srv/archive --policy slow.toml --files /srv/rollouts --reason "June fixes"',
    )
    .action((kernel: string, flags: StartFlags) => start(context, kernel, flags));
}

function registerLooks(rollout: Command, context: Context): void {
  signing(rollout.command('plan'))
    .description('what the next round would do, and why; nothing is done')
    .action(async (flags: SignerFlags) => printPlan(context, await (await controller(context, flags)).plan()));
  signing(rollout.command('run'))
    .description('the controller: a round, and another after each pause, until it is stopped')
    .option('--every <seconds>', 'pause between two rounds', wholeNumber, 30)
    .option('--once', 'one round')
    .action((flags: SignerFlags & { every: number; once?: boolean }) => run(context, flags));
  rollout
    .command('list')
    .description('the rollouts')
    .action(async () => {
      const rows = await listRollouts((await context.store()).db);
      context.print(rows, () => rolloutTable(rows));
    });
  rollout
    .command('status')
    .description('one rollout: where it stands, who failed, what was done and why')
    .argument('<rollout>', 'id, or the beginning of it')
    .action((id: string) => status(context, id));
}

async function controller(context: Context, flags: SignerFlags): Promise<RolloutController> {
  return new RolloutController({ store: await context.store(), signer: await signerOf(flags), clock: systemClock });
}

/** Errors: signer-missing. */
async function signerOf({ files, archive, keys = [] }: SignerFlags): Promise<RolloutSigner> {
  if (files !== undefined) return folderSigner(resolve(files));
  if (archive !== undefined && keys.length > 0) return archiveSigner(await placeOf(archive, { keys }));
  throw new CliError('signer-missing', 'input', {
    what: 'nobody is named who signs what hosts read',
    remedy: 'give --archive with --keys of its rollout role, or --files for somebody else to sign',
  });
}

function signing(command: Command): Command {
  return command
    .option('--files <dir>', FILES)
    .option('--archive <dir>', ARCHIVE)
    .option('--keys <dir>', KEYS, collect, []);
}

async function start(context: Context, kernel: string, flags: StartFlags): Promise<void> {
  const where = resolve(flags.policy);
  const policy = readPolicy((await readLimited(where, MAX_POLICY_BYTES)).toString('utf8'), where);
  const given = {
    ...{ leastSoakSeconds: flags.leastSoak, largestShare: Math.min(WHOLE, Math.max(1, flags.largestShare * 100)) },
  };
  const store = await context.store();
  const by = author(flags.by);
  const archive = resolve(flags.archive);
  const number = flags.release ?? null;
  const asked = { store, archive, kernel, number, policy, by, clock: systemClock };
  const { id, floors } = await draftRollout({ ...asked, floors: given });
  await askRollout(store.db, { rollout: id, do: 'start', by, reason: flags.reason }, systemClock.now());
  const plan = await (await controller(context, flags)).roundBetween();
  const slower = belowFloors(policy, floors).map((line) => `slower than the policy, by the floors: ${line}`);
  context.print({ rollout: id, slower, plan: planJson(plan) }, () =>
    [
      ...slower,
      inertLines(planText(plan)),
      `next: tuxtape rollout run ${flags.files === undefined ? `--archive ${archive} --keys …` : `--files ${resolve(flags.files)}`}`,
    ].join('\n'),
  );
}

type Ask = RolloutCommand extends infer C ? (C extends unknown ? Omit<C, 'rollout' | 'by' | 'reason'> : never) : never;

async function ask(context: Context, key: string, flags: AskFlags, what: Ask): Promise<void> {
  const { db } = await context.store();
  const { id } = await needRollout(db, key);
  const command = { ...what, rollout: id, by: author(flags.by), reason: flags.reason } as RolloutCommand;
  await askRollout(db, command, systemClock.now());
  if (flags.files === undefined && flags.archive === undefined) {
    context.print(
      { rollout: id, asked: what.do },
      () => `asked for; the next round of the controller takes it (${what.do})`,
    );
    return;
  }
  printPlan(context, await (await controller(context, flags)).roundBetween());
}

/** Rounds until Ctrl-C. A round that was fenced is another controller's: the next begins with what that one left. */
async function run(context: Context, flags: SignerFlags & { every: number; once?: boolean }): Promise<void> {
  const own = await controller(context, flags);
  if (flags.once === true) return printPlan(context, await own.roundBetween());
  const log = await context.log();
  while (!context.signal.aborted) {
    try {
      const result = await own.tick();
      if (result.did === 'round') for (const step of result.plan.steps) log.info(step, 'rollout');
    } catch (error) {
      // It goes on: a database that is away for a minute, or an archive that cannot be read now, must not end the watch for good.
      log.error({ err: error }, 'the round failed; the next one follows');
    }
    await pause(flags.every * 1000, context.signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), done()), { once: true });
  });
}

function printPlan(context: Context, plan: FleetPlan): void {
  context.print(planJson(plan), () => inertLines(planText(plan)));
}

function planJson({ steps, serial, files }: FleetPlan): unknown {
  return { steps, serial, files };
}

async function status(context: Context, key: string): Promise<void> {
  const { db } = await context.store();
  const row = await needRollout(db, key);
  const events = await rolloutEvents(db, row.id, EVENTS_SHOWN);
  context.print({ ...row, events }, () => rolloutText(row, events));
}
