import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { LivepatchInput } from '#pipeline';
import type { Context } from '../context.ts';
import { needCveId } from './cve-args.ts';

/** Which change, for which kernel. */
export interface InputOptions {
  readonly kernel: string;
  readonly cve?: string;
  readonly patch?: string;
  readonly fixes?: string;
}

export function changeOptions(command: Command): Command {
  return command
    .requiredOption('--kernel <name>', 'name, id or build-id')
    .option('--cve <id>', 'the CVE to fix')
    .option('--patch <file>', 'a change without a CVE')
    .option('--fixes <dir|git>', 'where the fix is: a directory of <commit>.patch files or a git repository');
}

export async function inputOf(context: Context, options: InputOptions): Promise<LivepatchInput> {
  if (options.patch !== undefined && options.cve === undefined) return { patchFile: resolve(options.patch) };
  if (options.cve === undefined || options.patch !== undefined)
    throw new InvalidArgumentError('give either --cve or --patch');
  const config = await context.config();
  return {
    cve: needCveId(options.cve),
    fixes: options.fixes === undefined ? config.need('livepatch.fixes') : resolve(options.fixes),
  };
}
