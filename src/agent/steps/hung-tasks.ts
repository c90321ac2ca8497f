import type { PatchedFunction } from '#domain';
import type { KernelDoor, Task } from '../doors.ts';
import type { AgentCode } from '../error.ts';
import { tasksInWords } from './watch.ts';

/** Looks in a row in which a task has to sleep at the same place: a disk that is slow once is no hang. */
const LOOKS = 6;

/**
 * Tasks that sleep uninterruptibly in what a livepatch replaced: the kernel itself says so after two minutes only, ten
 * times, and where hung tasks are not compiled in never.
 */
export class HungTasks {
  readonly #moduleName: string;
  readonly #names: ReadonlySet<string>;
  #seen = new Map<string, number>();

  constructor(moduleName: string, replaced: readonly PatchedFunction[]) {
    this.#moduleName = moduleName;
    this.#names = new Set(replaced.map(({ name }) => name));
  }

  async look(kernel: Pick<KernelDoor, 'sleepers'>): Promise<{ code: AgentCode; what: string } | null> {
    const next = new Map<string, number>();
    const hung: Task[] = [];
    for (const task of await kernel.sleepers()) {
      if (!task.stack.some((frame) => this.#isOurs(frame))) continue;
      const place = `${task.pid} ${task.stack.join(' ')}`;
      const count = (this.#seen.get(place) ?? 0) + 1;
      next.set(place, count);
      if (count >= LOOKS) hung.push(task);
    }
    this.#seen = next;
    if (hung.length === 0) return null;
    return { code: 'task-hung', what: `tasks hang in what it replaced: ${tasksInWords(hung)}` };
  }

  /** `function+0x1/0x2 [module]` */
  #isOurs(frame: string): boolean {
    const name = /^([^+\s]+)/.exec(frame)?.[1] ?? '';
    return this.#names.has(name) || frame.includes(`[${this.#moduleName}]`);
  }
}
