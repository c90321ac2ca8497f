import { Argument, Option } from 'commander';
import type { Transport } from '#klog';

const TRANSPORTS: readonly Transport[] = ['console', 'kmsg', 'journal-short', 'journal-json', 'netconsole'];

export interface LogOptions {
  readonly transport?: Transport;
}

export function logArgument(): Argument {
  return new Argument('<files...>', 'logs, each read by itself; -: the standard input');
}

export function transportOption(): Option {
  return new Option('--transport <name>', 'what brought it; else told from its first lines').choices(TRANSPORTS);
}
