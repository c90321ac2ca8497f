import type { Command } from 'commander';
import { systemClock } from '#host';
import { cancelJob, type JobDoors, retryJob } from '#pipeline';
import { type LivepatchJobRow, listJobs, needJob, openQueues } from '#store';
import type { Context } from '../context.ts';
import { durationText } from '../quantities.ts';
import { ago, inert, inertLines, shorten, table } from '../text.ts';
import { author } from './person.ts';

const LISTED = 50;
const ERROR_WIDTH = 80;
const ID = 'id of the job';

/** `tuxtape job`: the livepatches that builders make. */
export function registerJob(program: Command, context: Context): void {
  const job = program.command('job').description('livepatches in the queue of the builders');
  job
    .command('list')
    .description('what waits, runs and ended, newest first')
    .action(async () => list(context, await listJobs((await context.store()).db, LISTED)));
  job
    .command('show')
    .description('one job: where it stands, why, and the end of its log')
    .argument('<job>', ID)
    .action(async (id: string) => show(context, await needJob((await context.store()).db, id)));
  job
    .command('cancel')
    .description('cancel a job that waits or runs; its builder ends the compilers')
    .argument('<job>', ID)
    .action(async (id: string) => show(context, await withQueues(context, (doors) => cancelJob(doors, id))));
  job
    .command('retry')
    .description('ask again for a job that failed, was parked, or was cancelled')
    .argument('<job>', ID)
    .option('--by <who>', 'who asks (default: the user of this session)')
    .action(async (id: string, { by }: { by?: string }) =>
      show(context, await withQueues(context, (doors) => retryJob(doors, id, author(by)))),
    );
}

/** Opens the queues for one command; commands that do not need them never start them. */
export async function withQueues<T>(context: Context, body: (doors: JobDoors) => Promise<T>): Promise<T> {
  const store = await context.store();
  const queues = await openQueues(store);
  try {
    return await body({ store, queues, clock: systemClock });
  } finally {
    await queues.close();
  }
}

function list(context: Context, jobs: readonly LivepatchJobRow[]): void {
  const now = Date.now();
  context.print(jobs.map(plain), () =>
    jobs.length === 0
      ? 'No livepatch was asked of a builder yet: ask with "tuxtape livepatch build --queue".'
      : table(
          ['JOB', 'KERNEL', 'MODULE', 'STATE', 'PRIORITY', 'BUILDER', 'ATTEMPT', 'ASKED', 'TOOK', 'WHY'],
          jobs.map((row) => [
            ...[row.id, row.kernel, row.order.moduleName, row.state, row.priority, row.builder ?? '', row.attempt],
            ...[ago(row.queuedAt, now), took(row, now), shorten(inert(row.error?.what ?? ''), ERROR_WIDTH)],
          ]),
        ),
  );
}

function show(context: Context, job: LivepatchJobRow): void {
  const { order, error } = job;
  context.print(plain(job), () =>
    [
      `job       ${job.id}`,
      `state     ${job.state}, attempt ${job.attempt}${job.deaths > 0 ? `, ${job.deaths} of them died or met a machine at fault` : ''}`,
      `module    ${order.moduleName}`,
      `kernel    ${job.kernel}, ${order.kernelRelease}, build-id ${order.buildId}`,
      `cves      ${job.cves.join(' ') || 'none'}`,
      `asked by  ${inert(job.requestedBy)}, ${job.queuedAt.toISOString()}, priority ${job.priority}`,
      ...(job.builder === null ? [] : [`builder   ${job.builder}`]),
      ...(error === null ? [] : [`why       ${inert(error.what)} [${error.code}]`]),
      ...(error?.where == null ? [] : [`where     ${inert(error.where)}`]),
      ...(error?.remedy == null ? [] : [`do        ${inert(error.remedy)}`]),
      ...(job.log === '' ? [] : ['', inertLines(job.log.slice(-4_000))]),
    ].join('\n'),
  );
}

/** For JSON: the patch has its own hash and place, and would be most of what is printed. */
function plain({ order: { patch: _patch, ...order }, ...job }: LivepatchJobRow): unknown {
  return { ...job, order };
}

function took({ startedAt, endedAt }: LivepatchJobRow, now: number): string {
  if (startedAt === null) return '';
  return durationText(Math.round(((endedAt?.getTime() ?? now) - startedAt.getTime()) / 1000));
}
