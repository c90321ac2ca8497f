/**
 * Runs inside a machine: a program under the guard of a build, and what came of it as JSON. Arguments: bytes of the cap,
 * user to be, program and its arguments.
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { StageError } from '#domain';
import { run } from '#host';
import { guardBuild } from '../../../src/kernel/build-limits.ts';

export interface Guarded {
  /** Folder of the group it ran in; null: none. */
  readonly group: string | null;
  readonly exitCode: number | null;
  /** Code of the error that it ended with. */
  readonly failed: string | null;
  /** Is the group there afterwards? */
  readonly isLeft: boolean;
}

async function main([cap, uid, program, ...args]: readonly string[]): Promise<Guarded> {
  process.setuid?.(Number(uid));
  const caps = { timeoutMs: 60_000, memoryBytes: Number(cap), diskBytes: null };
  let [group, exitCode, failed]: [string | null, number | null, string | null] = [null, null, null];
  {
    using guard = guardBuild('/build', caps, undefined);
    const { signal, processLimits: limits } = guard;
    if (limits.cgroupProcs !== undefined) group = dirname(limits.cgroupProcs);
    const onStart = (pid: number): void => guard.watch(pid);
    try {
      ({ exitCode } = await guard.within(run(program!, args, { signal, limits, onStart })));
    } catch (error) {
      if (!(error instanceof StageError)) throw error;
      failed = error.code;
    }
  }
  return { group, exitCode, failed, isLeft: group !== null && existsSync(group) };
}

process.stdout.write(JSON.stringify(await main(process.argv.slice(2))));
