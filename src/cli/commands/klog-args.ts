import { Argument, InvalidArgumentError, Option } from 'commander';
import type { PatchedFunction } from '#domain';
import { type Transport, transports } from '#klog';

export interface LogOptions {
  readonly transport?: Transport;
}

export function logArgument(): Argument {
  return new Argument('<files...>', 'logs, each read by itself; -: the standard input');
}

export function transportOption(): Option {
  return new Option('--transport <name>', 'what brought it; else told from its first lines').choices(transports);
}

/** `--livepatch`, the name of a module or its file, and `--replaces`, again and again. */
export interface SuspectOptions {
  readonly livepatch?: string;
  readonly replaces?: readonly PatchedFunction[];
}

export function livepatchOption(): Option {
  return new Option(
    '--livepatch <name>',
    'how strongly each report speaks against this livepatch; or its .ko file',
  ).argParser((text) => {
    if (isModuleFile(text) || /^[\w-]{1,55}$/.test(text)) return text;
    throw new InvalidArgumentError('give the name of a module, or the path of its .ko file.');
  });
}

export function replacesOption(): Option {
  return new Option(
    '--replaces <function>',
    'a function that the livepatch replaces, of a module: MODULE:FUNCTION; again for each. The .ko file names them itself',
  ).argParser<readonly PatchedFunction[] | undefined>((text, before) => {
    const found = /^(?:([\w-]{1,55}):)?([A-Za-z_$][\w.$]{0,510})$/.exec(text);
    if (found === null) throw new InvalidArgumentError('give FUNCTION, or MODULE:FUNCTION.');
    return [...(before ?? []), { object: found[1] ?? 'vmlinux', name: found[2]! }];
  });
}

export function isModuleFile(livepatch: string): boolean {
  return livepatch.endsWith('.ko');
}
