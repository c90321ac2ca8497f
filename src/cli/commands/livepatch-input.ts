import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { LivepatchInput } from '#pipeline';
import type { Context } from '../context.ts';
import { collect } from '../text.ts';
import { needCveId } from './cve-args.ts';
import { FIXES_HELP, fixesOf } from './fixes-args.ts';

/** Which change, for which kernel. */
export interface InputOptions {
  readonly kernel: string;
  readonly cve: readonly string[];
  readonly with: readonly string[];
  readonly patch?: string;
  readonly opened?: string;
  readonly fixes?: string;
}

export function changeOptions(command: Command): Command {
  return command
    .requiredOption('--kernel <name>', 'name, id or build-id')
    .option('--cve <id>', 'a CVE to fix; once for each: one cumulative livepatch is built', collect, [])
    .option('--with <commit>', 'a commit that these fixes need besides; once for each', collect, [])
    .option('--patch <file>', 'a change without a CVE')
    .option('--opened <name>', 'a patch that was opened under a name')
    .option('--fixes <source>', FIXES_HELP);
}

export function inputOf(context: Context, { cve, patch, opened, fixes, with: more }: InputOptions): LivepatchInput {
  const given = [cve.length > 0, patch !== undefined, opened !== undefined].filter(Boolean).length;
  if (given !== 1) throw new InvalidArgumentError('give one of --cve, --patch and --opened');
  if (more.length > 0 && cve.length === 0) throw new InvalidArgumentError('--with goes with --cve');
  if (patch !== undefined) return { patchFile: resolve(patch) };
  if (opened !== undefined) return { opened };
  return { cves: cve.map(needCveId), fixes: () => fixesOf(context, fixes), with: more };
}
