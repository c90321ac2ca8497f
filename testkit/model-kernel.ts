import { createHash } from 'node:crypto';
import type { PatchedFunction } from '#domain';
import type { Clock } from '#host';
import { AgentError } from '../src/agent/error.ts';
import type { KernelDoor } from '../src/agent/kernel-door.ts';
import type { LoadedLivepatch } from '../src/agent/plan.ts';
import { BUILD_ID, RELEASE } from './archive.ts';

/** How the modelled kernel takes a module. */
export interface Behaviour {
  /** insmod fails. */
  readonly refuses?: boolean;
  /** The transition never ends by itself. */
  readonly stalls?: boolean;
  /** Records of /dev/kmsg that are there once the module is in. */
  readonly logs?: string;
  /** So many reads of the kernel log fail once the module is in. */
  readonly unreadable?: number;
  /** The machine dies while the module is being loaded. */
  readonly dies?: boolean;
}

const BOOT = '6,1,1000000,-;Linux version 6.1.170\n';

export class PowerCut extends Error {}

/**
 * The livepatch part of a kernel as the agent sees it (ABI/testing/sysfs-kernel-livepatch), for the agent's state machine:
 * the real door loads into the kernel of the machine that runs it, which only a virtual machine may be.
 */
export class ModelKernel implements KernelDoor {
  /** Name of the module that is loaded next. */
  name: string;
  behaviour: Behaviour = {};
  boots = 1;
  /** sha256 of every module that was loaded, in order. */
  readonly loads: string[] = [];
  /** The kernel log, as records of /dev/kmsg. */
  log = BOOT;
  #loaded: LoadedLivepatch | null = null;
  #unreadable = 0;

  constructor(name: string) {
    this.name = name;
  }

  reboot(): void {
    this.boots += 1;
    this.#loaded = null;
    this.log = BOOT;
  }

  buildId = (): Promise<string> => Promise.resolve(BUILD_ID);
  release = (): Promise<string> => Promise.resolve(RELEASE);
  bootId = (): Promise<string> => Promise.resolve(`boot ${this.boots}`);
  replaced = (): Promise<PatchedFunction[]> => Promise.resolve([{ object: 'vmlinux', name: 'fixed_read' }]);
  /** A record a call, as read(2) of /dev/kmsg gives them. */
  kernelLog = (take: (record: Uint8Array) => void): Promise<void> => {
    if (this.#unreadable > 0) {
      this.#unreadable -= 1;
      take(Buffer.from('6,2,1000001,-;half of the log\n'));
      return Promise.reject(new AgentError('kernel-log-unreadable', 'input', { what: 'the log is gone' }));
    }
    for (const record of this.log.split(/(?<=\n)/)) take(Buffer.from(record));
    return Promise.resolve();
  };
  livepatches = (): Promise<LoadedLivepatch[]> => Promise.resolve(this.#loaded === null ? [] : [this.#loaded]);
  blockers = (): Promise<string[]> => Promise.resolve(['77 sleeper: schedule+0x1/0x2']);

  load = (module: Buffer): Promise<void> => {
    this.loads.push(createHash('sha256').update(module).digest('hex'));
    const { refuses, stalls, logs, dies, unreadable = 0 } = this.behaviour;
    if (dies === true) return Promise.reject(new PowerCut());
    if (refuses === true) return Promise.reject(new AgentError('load-failed', 'patch', { what: 'refused' }));
    this.#unreadable = unreadable;
    this.#loaded = { name: this.name, enabled: true, transition: stalls === true };
    this.log += `6,50,50000000,-;livepatch: enabling patch '${this.name}'\n${logs ?? ''}`;
    return Promise.resolve();
  };

  disable = (name: string): Promise<void> => {
    if (this.#loaded?.name === name) this.#loaded = null;
    return Promise.resolve();
  };
}

/** A clock that jumps instead of waiting. */
export function jumpingClock(): Clock {
  let passed = 0;
  const sleep = (ms: number): Promise<void> => {
    passed += ms;
    return Promise.resolve();
  };
  return { now: () => new Date(), monotonicMs: () => passed, sleep };
}
