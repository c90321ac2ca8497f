import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Task } from '../doors.ts';
import { textOf } from './text.ts';

/** Tasks of the whole host that are looked at; more make a list that nobody reads. */
const TASKS_MAX = 100_000;
const FRAMES_MAX = 32;

/** Tasks that are not yet where the transition of a livepatch goes: `patch_state` is -1 where there is none (proc(5)). */
export async function blockers(proc: string, livepatch: string): Promise<Task[]> {
  const goal = (await textOf(join(livepatch, 'enabled'))) ?? '0';
  const found: Task[] = [];
  for await (const task of tasks(proc)) {
    const state = await textOf(join(task, 'patch_state'));
    if (state !== undefined && state !== '-1' && state !== goal) found.push(await taskAt(task));
  }
  return found;
}

/** Tasks in uninterruptible sleep (state D), containers' too. */
export async function sleepers(proc: string): Promise<Task[]> {
  const found: Task[] = [];
  for await (const task of tasks(proc)) {
    const stat = await readFile(join(task, 'stat'), 'utf8').catch(() => '');
    // The command name in field 2 may hold spaces and brackets: fields count from the last bracket.
    if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('D')) found.push(await taskAt(task));
  }
  return found;
}

async function* tasks(proc: string): AsyncGenerator<string> {
  let count = 0;
  for (const pid of await readdir(proc).catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue;
    for (const tid of await readdir(join(proc, pid, 'task')).catch(() => [])) {
      count += 1;
      if (count > TASKS_MAX) return;
      yield join(proc, pid, 'task', tid);
    }
  }
}

/** `[<0>] schedule+0x1/0x2 [module]` a frame (fs/proc/base.c, proc_pid_stack). */
async function taskAt(path: string): Promise<Task> {
  const stack = ((await textOf(join(path, 'stack'))) ?? '').split('\n').slice(0, FRAMES_MAX);
  return {
    pid: Number(path.split('/').at(-1)),
    name: (await textOf(join(path, 'comm'))) ?? 'gone',
    stack: stack.map((frame) => frame.replace(/^\[<[0-9a-f]+>\] /, '').trim()).filter((frame) => frame !== ''),
  };
}
