import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import {
  type CveOutlook,
  isReady,
  type Precondition,
  parseRebootFacts,
  type RebootFacts,
  type RebootPlan,
  silentAfterMs,
} from '#domain';
import { errno, readLimited } from '#host';
import { rebootPlans } from '#pipeline';
import { listHosts, needHost, needKernel } from '#store';
import type { Context } from '../context.ts';
import { CliError } from '../error.ts';
import { inert, table } from '../text.ts';

const MAX_FACTS_BYTES = 64 << 10;
const MAX_HOSTS = 10_000;
const CVES_SHOWN = 30;

interface PlanFlags {
  readonly kernel?: string;
  readonly group?: string;
  readonly to?: string;
  readonly facts?: string;
  readonly livepatch: boolean;
}

/** `tuxtape reboot`: what to do with hosts that cannot be livepatched. */
export function registerReboot(program: Command, context: Context): void {
  const reboot = program.command('reboot').description('what is left for CVEs that no livepatch closes');
  reboot
    .command('plan')
    .description('for one host, or each of a kernel: what closes most, costs least and is known to be possible')
    .argument('[host]', 'id or name')
    .option('--kernel <name>', 'all hosts that run this kernel')
    .option('--group <name>', 'of these, only the hosts of this group')
    .option('--to <name>', 'the kernel to change to')
    .option('--facts <path>', 'what "tuxtape-reboot facts" said: a file, or for several hosts a folder of HOST.json')
    .option('--no-livepatch', 'do not leave to livepatches what they close, or may')
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape reboot plan web-17 --to web-6.1.180 --facts web-17.json\n  tuxtape reboot plan --kernel web-6.1.170 --to web-6.1.180 --facts facts/',
    )
    .action((host: string | undefined, flags: PlanFlags, command: Command) => {
      if ((host === undefined) === (flags.kernel === undefined)) command.error('error: give a host or --kernel');
      return plan(context, host, flags);
    });
}

async function plan(context: Context, host: string | undefined, flags: PlanFlags): Promise<void> {
  const { db } = await context.store();
  const config = await context.config();
  const kernel = flags.kernel === undefined ? null : await needKernel(db, flags.kernel);
  const hosts =
    host !== undefined
      ? [await needHost(db, host)]
      : kernel?.buildId == null
        ? []
        : await listHosts(db, { buildId: kernel.buildId, group: flags.group, limit: MAX_HOSTS + 1 });
  if (hosts.length > MAX_HOSTS)
    throw new CliError('too-many-hosts', 'input', {
      what: `more than ${MAX_HOSTS} hosts run this kernel`,
      where: flags.kernel,
      remedy: 'plan for one group of them at a time (--group)',
    });
  const now = new Date();
  const plans = await rebootPlans(db, hosts, {
    target: flags.to === undefined ? null : await needKernel(db, flags.to),
    facts: flags.facts === undefined ? new Map() : await readFacts(flags.facts, hosts),
    dontWait: !flags.livepatch,
    silentSince: new Date(now.getTime() - silentAfterMs(config.number('gate.interval'))),
    listsSince: new Date(now.getTime() - config.number('fleet.list-age') * 1000),
    now,
  });
  if (host !== undefined) context.print(plans[0], () => planText(plans[0]!));
  else context.print(plans.map(summaryOf), () => (plans.length === 0 ? 'No host runs this kernel.' : plansText(plans)));
}

/** Errors: file-missing, facts-unreadable. A host without a file said nothing. */
async function readFacts(path: string, hosts: readonly { readonly name: string }[]): Promise<Map<string, RebootFacts>> {
  const info = await stat(path).catch((error: unknown) => {
    if (errno(error) === 'ENOENT') return undefined;
    throw error;
  });
  // One file is of one host: nobody else's answers count for it.
  if (info?.isDirectory() !== true) {
    const facts = await factsIn(path);
    return new Map(hosts.length === 1 ? [[hosts[0]!.name, facts]] : []);
  }
  const names = new Set(hosts.map(({ name }) => name));
  const files = (await readdir(path)).filter((file) => file.endsWith('.json') && names.has(basename(file, '.json')));
  return new Map(
    await Promise.all(files.map(async (file) => [basename(file, '.json'), await factsIn(join(path, file))] as const)),
  );
}

async function factsIn(path: string): Promise<RebootFacts> {
  const text = (await readLimited(path, MAX_FACTS_BYTES)).toString('utf8');
  let facts: RebootFacts | null = null;
  try {
    facts = parseRebootFacts(JSON.parse(text));
  } catch {
    // What is no JSON is no answer, either.
  }
  if (facts !== null) return facts;
  throw new CliError('facts-unreadable', 'input', {
    what: 'this is not what "tuxtape-reboot facts" says of a host',
    where: path,
    remedy: 'run it on the host again; what is not known there is null',
  });
}

function planText(plan: RebootPlan): string {
  const { proposal, unknownExposure, open, unknown, ways, mitigations } = plan;
  return [
    `host      ${inert(plan.host)}`,
    `exposure  ${unknownExposure === null ? `${open.length} CVEs open, ${unknown.length} not decided` : `UNKNOWN: ${inert(unknownExposure)}`}`,
    `kernel    ${plan.target === null ? 'none is named to change to (--to)' : `to build ${plan.target}: opens ${plan.opens.length} CVEs, may open ${plan.mayOpen.length}`}`,
    `proposed  ${proposal === null ? 'nothing' : proposalText(proposal)}`,
    ...plan.why.map((sentence) => `          ${inert(sentence)}`),
    ...(proposal === null || proposal.onlySo.length === 0 ? [] : [`only so   ${shown(proposal.onlySo)}`]),
    '',
    table(
      ['WAY', 'LOSES', 'PAUSE', 'MISSING'],
      [
        ...ways.map((way) => [way.name, way.loses, seconds(way.pauseSeconds), missing(way.preconditions)]),
        ...mitigations.map((one) => [inert(one.what), '', '', missing(one.preconditions)]),
      ],
    ),
    ...cveTable('open', open),
    ...cveTable('not decided', unknown),
  ].join('\n');
}

function proposalText({ way, mitigations, closes }: NonNullable<RebootPlan['proposal']>): string {
  const what = [...mitigations.map((one) => inert(one.what)), ...(way === null ? [] : [way.actions.join(', ')])];
  const pause = way === null ? '' : `; expected pause: ${seconds(way.pauseSeconds)}; loses ${way.loses}`;
  return `${what.join('; ')}: closes ${closes.length} CVEs${pause}`;
}

function seconds(value: number | null): string {
  return value === null ? 'not known' : `${value} s`;
}

function missing(preconditions: readonly Precondition[]): string {
  const lacks = preconditions.filter(({ holds }) => holds !== true);
  return isReady({ preconditions })
    ? 'nothing'
    : lacks.map(({ sentence, holds }) => `${holds === null ? 'not known' : 'NOT'}: ${inert(sentence)}`).join('; ');
}

function cveTable(title: string, outlooks: readonly CveOutlook[]): string[] {
  if (outlooks.length === 0) return [];
  const rest = outlooks.length - CVES_SHOWN;
  const rows = outlooks
    .slice(0, CVES_SHOWN)
    .map(({ cve, closers, onlyBy }) => [
      cve,
      closers
        .map(({ what, holds }) => `${inert(what)}: ${holds === null ? 'not known' : holds ? 'yes' : 'no'}`)
        .join(', '),
      onlyBy ?? '',
    ]);
  return [
    '',
    table([title.toUpperCase(), 'CLOSED BY', 'ONLY BY'], rows),
    ...(rest > 0 ? [`… and ${rest} more (--json)`] : []),
  ];
}

function shown(cves: readonly string[]): string {
  const rest = cves.length - CVES_SHOWN;
  return `${cves.slice(0, CVES_SHOWN).join(' ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** Of many hosts each in a few words; `reboot plan HOST` says it all. */
function summaryOf({ host, unknownExposure, open, unknown, opens, mayOpen, proposal, why }: RebootPlan): object {
  const counts = { open: open.length, unknown: unknown.length, opens: opens.length, mayOpen: mayOpen.length };
  const short = proposal && {
    way: proposal.way?.name ?? null,
    actions: proposal.way?.actions ?? [],
    loses: proposal.way?.loses ?? 'nothing',
    pauseSeconds: proposal.way === null ? 0 : proposal.way.pauseSeconds,
    mitigations: proposal.mitigations.map(({ what }) => what),
    closes: proposal.closes.length,
    onlySo: proposal.onlySo.length,
  };
  return { host, unknownExposure, ...counts, proposal: short, why };
}

function plansText(plans: readonly RebootPlan[]): string {
  return table(
    ['HOST', 'OPEN', 'NOT DECIDED', 'PROPOSED', 'PAUSE', 'CLOSES', 'ONLY SO', 'WHY NOT'],
    plans.map(({ host, open, unknown, unknownExposure, proposal, why }) => [
      inert(host),
      ...(unknownExposure === null ? [open.length, unknown.length] : ['unknown', 'unknown']),
      proposal === null ? 'nothing' : (proposal.way?.name ?? 'mitigations'),
      proposal?.way == null ? '' : seconds(proposal.way.pauseSeconds),
      proposal?.closes.length ?? 0,
      proposal?.onlySo.length ?? 0,
      proposal === null ? inert(why.join(' ')) : '',
    ]),
  );
}
