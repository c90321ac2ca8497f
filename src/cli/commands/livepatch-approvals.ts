import { resolve } from 'node:path';
import type { Command } from 'commander';
import { approvalWord } from '#domain';
import { systemClock } from '#host';
import { approveLivepatch, type GateCheckResult, type LivepatchApprovals, livepatchApprovals } from '#pipeline';
import type { Context } from '../context.ts';
import { collect, inert } from '../text.ts';
import { readPassphrase } from './reviewer.ts';

interface ApproveFlags {
  readonly key: string;
  readonly passphraseFile?: string;
  readonly reason: string;
  readonly accept: readonly string[];
}

/** `tuxtape livepatch approve` and `approvals`: signed files of people, each bound to what it says yes to. */
export function registerApprovals(livepatch: Command, context: Context): void {
  livepatch
    .command('approve')
    .description('say yes to a proved livepatch, signed with your key; nobody approves what is their own')
    .argument('<livepatch>', 'id or module name')
    .requiredOption('--key <file>', 'your private key, of "tuxtape reviewer make"')
    .option('--passphrase-file <file>', 'file that holds the passphrase of the key')
    .requiredOption('--reason <text>', 'what you looked at')
    .option('--accept <code>', 'a finding of the lint that you read and take; once for each', collect, [])
    .addHelpText(
      'after',
      "\nExamples:\n  tuxtape livepatch approve ID --key jane.pem --reason 'read the change, and its proof'\n  tuxtape livepatch approve ID --key jane.pem --reason 'no old objects are left' --accept layout-may-change",
    )
    .action((key: string, flags: ApproveFlags) => approve(context, key, flags));
  livepatch
    .command('approvals')
    .description('the approvals of a livepatch, each verified again, and what is missing')
    .argument('<livepatch>', 'id or module name')
    .action(async (key: string) => {
      print(context, await livepatchApprovals({ store: await context.store() }, key));
    });
}

async function approve(context: Context, livepatch: string, flags: ApproveFlags): Promise<void> {
  const { reason, accept } = flags;
  const options = { store: await context.store(), livepatch, reason, accept, clock: systemClock };
  const passphrase = await readPassphrase(flags.passphraseFile);
  print(context, await approveLivepatch({ ...options, keyFile: resolve(flags.key), passphrase }));
}

function print(context: Context, found: LivepatchApprovals): void {
  context.print(approvalsJson(found), () =>
    [`module    ${found.livepatch.moduleName}, id ${found.livepatch.id}`, ...approvalLines(found)].join('\n'),
  );
}

/** For programs: without the bytes of the files. */
export function approvalsJson({ livepatch, record, approvals, state, edited }: LivepatchApprovals): unknown {
  const { judged: _, ...rest } = state;
  const of = { livepatch: livepatch.id, gate: record.sha256, files: record.files };
  return { ...of, state: approvalWord(state), ...rest, edited, approvals };
}

/** Where it stands, each approval, and what is missing. */
export function approvalLines({ approvals, state, edited }: LivepatchApprovals): string[] {
  const missing = edited === null ? state.missing : [edited, ...state.missing];
  return [
    `approval  ${approvalWord(state)}`,
    ...approvals.map(({ reviewer, words, why }) => {
      const told =
        words === null ? '' : ` on ${words.approvedAt}: ${inert(words.reason)}${acceptedText(words.accepted)}`;
      return why === null ? `  yes     ${reviewer}${told}` : `  void    ${reviewer}${told}; ${inert(why)}`;
    }),
    ...missing.map((what) => `  missing ${inert(what)}`),
  ];
}

function acceptedText(accepted: readonly string[]): string {
  return accepted.length === 0 ? '' : ` (accepts ${accepted.map(inert).join(', ')})`;
}

/** Whether the gate record is signed, and of the files that are there. */
export function recordLine(record: GateCheckResult | null): string {
  if (record === null) return 'record    none';
  return record.state === 'good'
    ? `record    signature good, of key ${record.keyId.slice(0, 16)}; the files are those that were proved`
    : `record    NOT TO BE TRUSTED [${record.code}]: ${inert(record.why)}`;
}
