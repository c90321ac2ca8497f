import type { Command } from 'commander';
import type { Finding } from '#patch';
import { lintLivepatch } from '#pipeline';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { inert, inertLines } from '../text.ts';
import { changeOptions, type InputOptions, inputOf } from './livepatch-input.ts';

/** `tuxtape livepatch lint`: exit code 71 when something blocks, so that a script needs not read the findings. */
export function registerLint(livepatch: Command, context: Context): void {
  changeOptions(
    livepatch
      .command('lint')
      .description('what makes a change dangerous or impossible as a livepatch; nothing is built'),
  )
    .option('--suggest', 'C text to begin with, where shadow variables or callbacks can answer a finding')
    .addHelpText(
      'after',
      '\nExamples:\n  tuxtape livepatch lint --kernel web --cve CVE-2026-43074 --fixes /srv/fixes\n  tuxtape livepatch lint --kernel web --patch change.patch',
    )
    .action(async (options: InputOptions & { suggest?: boolean }) => {
      const input = inputOf(context, options);
      const result = await lintLivepatch(await context.store(), options.kernel, input);
      if (result.findings.some(({ level }) => level === 'block')) process.exitCode = exitCodes.patch;
      context.print(result, () =>
        [
          ...result.findings.map((one) => [findingText(one), ...suggested(one, options.suggest)].join('\n')),
          summary(result.findings),
        ].join('\n'),
      );
    });
}

function suggested({ suggestion }: { suggestion: string | null }, isAsked = false): string[] {
  return isAsked && suggestion !== null ? [inertLines(suggestion)] : [];
}

function findingText({ code, hazard, level, path, line, hunk, what, why, remedy }: Finding): string {
  const number = hazard === null ? '' : `, hazard ${hazard}`;
  const place = `${path}${line === null ? '' : `:${line}`}${hunk === null ? '' : ` (hunk ${hunk + 1})`}`;
  return [
    `${level.padEnd(13)} ${code}${number}  ${inert(place)}`,
    `              ${inert(what)}`,
    `              why: ${why}`,
    `              do:  ${remedy}`,
  ].join('\n');
}

function summary(findings: readonly Finding[]): string {
  const count = (level: Finding['level']): number => findings.filter((one) => one.level === level).length;
  if (findings.length === 0) return 'nothing speaks against it';
  const parts = [`${count('block')} block`, `${count('two-approvals')} need two approvals`, `${count('note')} notes`];
  return `${parts.join(', ')}${count('block') > 0 ? ': no livepatch is made of it' : ''}`;
}
