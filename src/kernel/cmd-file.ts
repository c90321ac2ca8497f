import { normalize } from 'node:path';
import { KernelError } from './error.ts';
import { IN_TREE } from './sandbox.ts';

/** What a Kbuild `.<object>.cmd` file says (scripts/Kbuild.include, scripts/basic/fixdep.c). */
export interface CmdFile {
  readonly object: string;
  readonly source: string;
  /** Source and headers, relative to the source root; each once, in the order they were read. */
  readonly dependencies: readonly string[];
  /** Compiled for the kernel, not for the build machine. */
  readonly forKernel: boolean;
}

/**
 * Parses one `.cmd` file. Returns undefined for a command that compiles nothing (linking, archiving, copying).
 * Errors: cmd-unreadable, for text that is none of Kbuild's.
 */
export function parseCmdFile(text: string, where: string): CmdFile | undefined {
  const command = /^(?:saved)?cmd_(\S+) := /.exec(text);
  if (!command) {
    throw new KernelError('cmd-unreadable', 'kernel-source', {
      what: 'not a Kbuild command file',
      where,
      remedy: 'build the kernel again',
    });
  }
  const object = inTree(command[1]!);
  const mark = `\nsource_${command[1]} := `;
  const at = text.indexOf(mark);
  if (at < 0) return undefined;
  const sourceEnd = text.indexOf('\n', at + mark.length);
  const source = inTree(text.slice(at + mark.length, sourceEnd).trim());
  const depsMark = `\ndeps_${command[1]} := \\\n`;
  const depsAt = text.indexOf(depsMark, sourceEnd);
  if (sourceEnd < 0 || source === '' || depsAt < 0) {
    throw new KernelError('cmd-unreadable', 'kernel-source', {
      what: 'the command file is cut off',
      where,
      remedy: 'build the kernel again',
    });
  }
  const dependencies = new Set([source]);
  for (const path of dependencyPaths(text, depsAt + depsMark.length)) dependencies.add(path);
  const firstLine = text.slice(0, text.indexOf('\n'));
  return { object, source, dependencies: [...dependencies], forKernel: firstLine.includes('-D__KERNEL__') };
}

/** One path a line, each but the last ending in ` \`; `$(wildcard include/config/…)` entries name symbols, not files. */
function* dependencyPaths(text: string, start: number): Generator<string> {
  let at = start;
  while (at < text.length) {
    let end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    const continued = text.charCodeAt(end - 1) === 92;
    const line = text.slice(at, continued ? end - 1 : end).trim();
    if (line !== '' && !line.startsWith('$(')) yield inTree(line);
    if (!continued) return;
    at = end + 1;
  }
}

/** A path relative to the source root, or absolute when it lies outside (the compiler's own headers). */
function inTree(path: string): string {
  if (path.startsWith(`${IN_TREE}/`)) return path.slice(IN_TREE.length + 1);
  const unusual =
    path.startsWith('./') ||
    path.includes('/../') ||
    path.includes('//') ||
    path.startsWith('../') ||
    path.includes('/./');
  return unusual ? normalize(path) : path;
}
