import { type Command, InvalidArgumentError } from 'commander';
import type { PatchKey } from '#pipeline';
import { collect } from '../text.ts';
import { needCveId } from './cve-args.ts';

export interface KeyOptions {
  readonly kernel: string;
  readonly cve: readonly string[];
  readonly name?: string;
}

/** The flags that say which patch is meant. */
export function withKey(command: Command): Command {
  return command
    .requiredOption('--kernel <name>', 'name, id or build-id')
    .option('--cve <id>', 'the patch of this CVE; once for each CVE of it', collect, [])
    .option('--name <name>', 'a patch under a name of its own');
}

export function keyOf({ cve, name }: KeyOptions): PatchKey {
  if (name !== undefined && cve.length === 0) return { name };
  if (cve.length > 0 && name === undefined) return { cves: cve.map(needCveId) };
  throw new InvalidArgumentError('give either --cve or --name');
}
