import { parseArgs } from 'node:util';
import { hasCode, isBuildId, isRebootAction, messageOf, StageError } from '#domain';
import { isRoot } from '#host';
import { HookRunner, linuxDoors, type PlanStatus } from '#reboot';

const HELP = `tuxtape-reboot start --plan ID --steps STEP,STEP,… [--target BUILD-ID]
    carry a plan out on this host, by its own hooks
tuxtape-reboot resume
    go on after a boot or a crash; at every boot, and safe at any time
tuxtape-reboot facts
    what a plan for this host needs to know, as JSON
tuxtape-reboot status
    the last plan, and what was done of it
Options: --config DIR (/etc/tuxtape), --state DIR (/var/lib/tuxtape-reboot)

Exit codes: 0 done, or the machine goes down; 1 the plan failed and the host's work is back; 2 its work may not be back: look;
3 refused, nothing was begun; 64 usage; 77 not root; 78 the hooks, the journal or the count cannot be used.`;

export const exitCodes = { done: 0, failed: 1, unsure: 2, refused: 3, usage: 64, notRoot: 77, unusable: 78 } as const;

const options = {
  config: { type: 'string', default: '/etc/tuxtape' },
  state: { type: 'string', default: '/var/lib/tuxtape-reboot' },
  plan: { type: 'string' },
  steps: { type: 'string' },
  target: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [command] = positionals;
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    return exitCodes.done;
  }
  if (positionals.length !== 1 || !['start', 'resume', 'facts', 'status'].includes(command!)) return usage();
  if (!isRoot()) {
    process.stderr.write('tuxtape-reboot: it runs as root, whose hooks it runs\n');
    return exitCodes.notRoot;
  }
  const { config, state, plan, target = null } = values;
  const runner = new HookRunner({ config, state }, linuxDoors(config));
  if (command === 'facts') {
    print(await runner.facts());
    return exitCodes.done;
  }
  if (command === 'status') return report(await runner.status());
  if (command === 'resume') return report(await runner.resume());
  const steps = values.steps?.split(',') ?? [];
  if (plan === undefined || !steps.every(isRebootAction) || (target !== null && !isBuildId(target))) return usage();
  return report(await runner.start({ plan, steps, target }));
}

function usage(): number {
  process.stderr.write(`${HELP}\n`);
  return exitCodes.usage;
}

function report(status: PlanStatus): number {
  print(status);
  if (status.state === 'failed') return exitCodes.failed;
  return status.state === 'unsure' ? exitCodes.unsure : exitCodes.done;
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof TypeError) return exitCodes.usage;
  return hasCode(error, 'plan-invalid', 'plan-open', 'plan-used', 'not-ready', 'locked')
    ? exitCodes.refused
    : exitCodes.unusable;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const of = error instanceof StageError ? error : null;
    const where = of?.where === undefined ? '' : `\n  where: ${of.where}`;
    process.stderr.write(`tuxtape-reboot: ${messageOf(error)}${of === null ? '' : ` [${of.code}]`}${where}\n`);
    process.exitCode = exitCodeOf(error);
  },
);
