import { messageOf, StageError } from '#domain';
import { type Arguments, readArguments } from './commands/arguments.ts';
import { checkCommand, requestCommand, runCommand } from './commands/at-work.ts';
import { doctorCommand } from './commands/doctor.ts';
import { reportCommand } from './commands/reports.ts';
import { setupCommand, shutdownCommand } from './commands/setup.ts';
import { exitCodeOf, USAGE } from './report/exit-codes.ts';

const HELP = `tuxtape-agent COMMAND [--json] [--config DIR] [--state DIR] [--run DIR]

  setup --archive URL --root FILE [--ring NAME] [--timer]
              take over the root of trust and the address of the archive; --timer: and start;
              --server URL --token-file FILE [--name NAME] [--server-ca FILE]: become a host of a server
  run         one run, as the timer does it: finish what was begun, look, load, watch, report
  apply       the same at once, without waiting for the time after boot
  check       what a run would do; nothing is done
  status      how this host stands
  cves        the CVEs that the livepatch in the kernel has closed
  effective   the running kernel with its livepatch
  accept [N]  accept what is on trial now; N: give release N, which failed here, another try
  revert      take the livepatch back: the last accepted one goes over it
  doctor      everything that would keep this host from being livepatched

Over the configuration: --archive URL --root FILE --ring NAME --soak SECONDS --grace SECONDS --transition SECONDS
--health "PROGRAM ARGS" --textfile DIR. To refuse: write no-new, no-apply or stop into CONFIG/level, or boot with tuxtape=stop.

Exit codes: 0 done; 10-18 the archive is offline or not believed; 20 this kernel is not served; 30-41 the livepatch was not
loaded or was taken back; 50-67 this host refuses it now; 64 usage; 70-80 see docs/reference/agent.md.
`;

const commands: Readonly<Record<string, (given: Arguments) => Promise<number>>> = {
  setup: setupCommand,
  run: (given) => runCommand(given, false),
  apply: (given) => runCommand(given, true),
  check: checkCommand,
  status: (given) => reportCommand(given, 'status'),
  cves: (given) => reportCommand(given, 'cves'),
  effective: (given) => reportCommand(given, 'effective'),
  accept: async (given) => {
    const number = given.words[1];
    if (number !== undefined && !/^[1-9]\d{0,8}$/.test(number)) throw new TypeError(`"${number}" is no release`);
    return requestCommand(given, { word: 'accept', number: number === undefined ? null : Number(number) });
  },
  revert: (given) => requestCommand(given, { word: 'revert' }),
  doctor: doctorCommand,
  shutdown: shutdownCommand,
};

async function main(): Promise<number> {
  const given = readArguments();
  if (given.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const word = given.words[0] ?? '';
  const command = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (command !== undefined && given.words.length <= (word === 'accept' ? 2 : 1)) return command(given);
  process.stderr.write(HELP);
  return USAGE;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`tuxtape-agent: ${messageOf(error)}\n`);
    if (error instanceof StageError && error.where !== undefined) process.stderr.write(`  where: ${error.where}\n`);
    if (error instanceof StageError && error.remedy !== undefined) process.stderr.write(`  do:    ${error.remedy}\n`);
    process.exitCode = error instanceof TypeError ? USAGE : exitCodeOf(error);
  },
);
