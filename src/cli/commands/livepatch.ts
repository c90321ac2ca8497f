import type { Command } from 'commander';
import { systemClock } from '#host';
import { buildLivepatch, checkGate, livepatchApprovals, type Maker, makeByBuilders } from '#pipeline';
import { type LivepatchJobRow, listLivepatches, needKernel, needLivepatch } from '#store';
import type { Context, Step } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { duration } from '../quantities.ts';
import { inert, table, wholeNumber } from '../text.ts';
import { VERSION } from '../version.ts';
import { withQueues } from './job.ts';
import { approvalLines, approvalsJson, recordLine, registerApprovals } from './livepatch-approvals.ts';
import { answerNotes, recipeNotes } from './livepatch-findings.ts';
import { gateChecks, gateSummary, proofWord } from './livepatch-gate.ts';
import { changeOptions, type InputOptions, inputOf } from './livepatch-input.ts';
import { registerLint } from './livepatch-lint.ts';
import { registerSign } from './livepatch-sign.ts';
import { registerVerify } from './livepatch-verify.ts';
import { author } from './person.ts';

interface BuildOptions extends InputOptions {
  readonly by?: string;
  readonly jobs?: number;
  readonly answers: boolean;
  readonly queue?: boolean;
  readonly priority: number;
  readonly timeout: number;
}

export function registerLivepatch(program: Command, context: Context): void {
  const livepatch = program.command('livepatch').description('livepatch modules: build, prove, approve, list');
  changeOptions(
    livepatch.command('build').description("build a livepatch of a CVE's fix, or of a patch of yours, for one kernel"),
  )
    .option('-j, --jobs <n>', 'parallel compilations', wholeNumber)
    .option('--no-answers', 'build the fix as it stands, or refuse: leave no hunk out')
    .option('--by <who>', 'who has it built, and cannot approve it (default: the user of this session)')
    .option('--queue', 'let a builder make it: wait until one that has this kernel did')
    .option('--priority <n>', 'with --queue: higher goes first', wholeNumber, 10)
    .option('--timeout <time>', 'with --queue: a builder gives it up after this time', duration, duration('1h'))
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape livepatch build --kernel web --cve CVE-2026-53352 --fixes /srv/fixes\n  tuxtape livepatch build --kernel web --cve CVE-2026-53352 --cve CVE-2026-43074 --fixes git:/srv/linux-stable.git\n  tuxtape livepatch build --kernel web --patch change.patch',
    )
    .action((options: BuildOptions) => build(context, options));
  livepatch
    .command('list')
    .description('the livepatches that were built')
    .option('--kernel <name>', 'only those of this kernel')
    .action((options: { kernel?: string }) => list(context, options));
  livepatch
    .command('show')
    .description('one livepatch: recipe, functions, gate record')
    .argument('<livepatch>', 'id or module name')
    .action((key: string) => show(context, key));
  registerLint(livepatch, context);
  registerSign(livepatch, context);
  registerVerify(livepatch, context);
  registerApprovals(livepatch, context);
}

async function build(context: Context, options: BuildOptions): Promise<void> {
  const config = await context.config();
  const store = await context.store();
  const input = inputOf(context, options);
  let lines = 0;
  const kernelId = (await needKernel(store.db, options.kernel)).id;
  const asked = { kernelId, cves: 'cves' in input ? input.cves : [], by: author(options.by) };
  const inQueue = <T>(step: Step, body: (make: Maker | undefined) => Promise<T>): Promise<T> => {
    if (options.queue !== true) return body(undefined);
    const { priority, timeout: timeoutSeconds } = options;
    const onStand = (job: LivepatchJobRow): void => step(lines, null, standText(job));
    return withQueues(context, (doors) => body(makeByBuilders(doors, { ...asked, priority, timeoutSeconds, onStand })));
  };
  const result = await context.progress('building the livepatch', (step) =>
    inQueue(step, (make) =>
      buildLivepatch({
        store,
        make,
        dataDirectory: config.need('data'),
        kernel: options.kernel,
        input,
        jobs: options.jobs ?? config.number('kernel.jobs'),
        answers: options.answers,
        clock: systemClock,
        by: author(options.by),
        builder: { version: VERSION },
        signal: context.signal,
        onOutput: (text) => {
          lines += text.split('\n').length - 1;
          step(lines, null, text.trim().split('\n').at(-1) ?? '');
        },
      }),
    ),
  );
  const { livepatch, fit, findings, seconds } = result;
  const gone = result.steps.filter(({ state }) => state !== 'applied');
  context.print(result, () =>
    [
      `livepatch ${livepatch.id}`,
      `module    ${livepatch.moduleName} (${livepatch.recipe.engine}, ${seconds.toFixed(1)} s)`,
      `applies   ${fit.how}${fit.remarks.length > 0 ? `: ${fit.remarks.map(inert).join('; ')}` : ''}`,
      ...(result.version === null
        ? []
        : [
            `patch     version ${result.version.number}, ${inert(result.version.author)}: ${inert(result.version.note)}`,
          ]),
      ...result.steps.flatMap(({ commit, cves, where }) =>
        commit === null && cves.length > 0 ? [`fixes     ${cves.join(' ')}: ${inert(where)}`] : [],
      ),
      ...result.taken.map(({ cve, reason }) => `fixes     ${cve}: ${inert(reason)}`),
      ...gone.map(({ where, state }) => `left out  ${inert(where)}: ${LEFT_OUT[state]}`),
      ...answerNotes(livepatch.recipe),
      ...livepatch.recipe.functions.map(({ object, name }) => `replaces  ${object}:${name}`),
      ...findings.map(
        ({ level, path, line, what }) => `${level.padEnd(13)} ${path}${line === null ? '' : `:${line}`} ${what}`,
      ),
      `next: tuxtape livepatch verify ${livepatch.id}`,
    ].join('\n'),
  );
}

function standText({ id, state, builder, attempt, log }: LivepatchJobRow): string {
  if (state === 'queued') return `job ${id} waits for a builder that has this kernel`;
  return `job ${id} ${state} on ${builder ?? 'no builder'}, attempt ${attempt}: ${inert(log.trim().split('\n').at(-1) ?? '')}`;
}

const LEFT_OUT = {
  applied: '',
  'in-source': 'the source of this kernel has it already',
  'in-others': 'the others have it already',
} as const;

async function list(context: Context, options: { kernel?: string }): Promise<void> {
  const { db } = await context.store();
  const kernel = options.kernel === undefined ? undefined : await needKernel(db, options.kernel);
  const rows = await listLivepatches(db, kernel?.id);
  context.print(rows, () =>
    rows.length === 0
      ? 'There is no livepatch yet.'
      : table(
          ['ID', 'MODULE', 'CVES', 'ENGINE', 'PROOF'],
          rows.map(({ id, moduleName, recipe, gate }) => [
            id,
            moduleName,
            recipe.cves.join(' ') || '(none)',
            recipe.engine,
            proofWord(gate),
          ]),
        ),
  );
}

async function show(context: Context, key: string): Promise<void> {
  const store = await context.store();
  const row = await needLivepatch(store.db, key);
  const record = await checkGate(store, row);
  const approval = record?.state === 'good' ? await livepatchApprovals({ store }, row.id) : null;
  if (record?.state === 'bad') process.exitCode = exitCodes.untrusted;
  context.print({ ...row, record, approval: approval === null ? null : approvalsJson(approval) }, () =>
    [
      `id        ${row.id}`,
      `module    ${row.moduleName}, sha256 ${row.moduleSha256}`,
      `kernel    ${row.recipe.kernelRelease}, build-id ${row.recipe.buildId}`,
      `cves      ${row.recipe.cves.join(' ') || 'none'}`,
      `built by  ${row.recipe.engineVersion}, ${row.recipe.compiler}`,
      ...row.recipe.functions.map(({ object, name }) => `replaces  ${object}:${name}`),
      ...recipeNotes(row.recipe),
      `files     ${row.directory}`,
      ...(row.gate === null ? ['proof     not proved'] : [recordLine(record), ...gateSummary(row.gate)]),
      ...(approval === null ? [] : approvalLines(approval)),
      ...(row.gate === null ? [] : gateChecks(row.gate)),
    ].join('\n'),
  );
}
