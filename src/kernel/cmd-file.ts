import { CmdReader } from './profile/cmd-reader.ts';
import { forKernel } from './profile/command.ts';
import { inTree, recordedRoots } from './profile/recorded-paths.ts';

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
 * Errors: cmd-unreadable, for text that is none of Kbuild's, or is cut off.
 */
export function parseCmdFile(text: string, where: string): CmdFile | undefined {
  const reader = new CmdReader();
  const bytes = Buffer.from(text);
  const { target, command, source } = reader.read(bytes, bytes.length, where);
  if (source === null) return undefined;
  const { dependencies } = reader;
  const recorded = Array.from(dependencies.numbers.subarray(0, dependencies.length), (line) => reader.pathOf(line));
  const roots = recordedRoots(recorded);
  const read = new Set([source, ...recorded].map((path) => inTree(path, roots)));
  return {
    object: inTree(target, roots),
    source: inTree(source, roots),
    dependencies: [...read],
    forKernel: forKernel(command),
  };
}
