import { setImmediate } from 'node:timers/promises';
import { NOTHING, type ObjectFacts, readObject } from './object-facts.ts';
import { type Commands, readCommands } from './read-commands.ts';

const OBJECTS_AT_ONCE = 128;

/** What some of the command files of a build say, and the objects that they made. */
export interface Part {
  readonly commands: Commands;
  /** By compilation. */
  readonly facts: readonly ObjectFacts[];
}

/** Reads command files, given by their paths in the build tree and in their order, and the objects of the kernel among theirs. */
export async function readPart(build: string, paths: readonly string[]): Promise<Part> {
  const commands = await readCommands(build, paths);
  const facts: ObjectFacts[] = [];
  for (const [i, { object, source, forKernel }] of commands.compilations.entries()) {
    if (i % OBJECTS_AT_ONCE === OBJECTS_AT_ONCE - 1) await setImmediate();
    const looked = forKernel && object.endsWith('.o') && !object.startsWith('/') && !object.startsWith('../');
    facts.push(looked ? readObject(`${build}/${object}`, source) : NOTHING);
  }
  return { commands, facts };
}

/** Two parts as one, in this order. */
export function joined(first: Part, second: Part): Part {
  const [a, b] = [first.commands, second.commands];
  const dependencies = new Int32Array(a.dependencies.length + b.dependencies.length);
  dependencies.set(a.dependencies);
  const [start, paths] = [a.dependencies.length, a.recorded.length];
  for (let i = 0; i < b.dependencies.length; i += 1) dependencies[start + i] = b.dependencies[i]! + paths;
  return {
    commands: {
      compilations: [...a.compilations, ...b.compilations],
      dependencies,
      ends: [...a.ends, ...b.ends.map((end) => end + start)],
      recorded: [...a.recorded, ...b.recorded],
      links: new Map([...a.links, ...b.links]),
      others: new Map([...a.others, ...b.others]),
      unreadable: [...a.unreadable, ...b.unreadable],
    },
    facts: [...first.facts, ...second.facts],
  };
}
