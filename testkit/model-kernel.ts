import { createHash } from 'node:crypto';
import type { PatchedFunction } from '#domain';
import type { Clock } from '#host';
import type { KernelDoor, Task } from '../src/agent/doors.ts';
import { AgentError } from '../src/agent/error.ts';
import type { LoadedLivepatch } from '../src/agent/plan/observation.ts';
import { readModuleInfo } from '../src/agent/precheck/module-info.ts';
import { BUILD_ID, RELEASE } from './archive.ts';

/** How the modelled kernel takes a module. */
export interface Behaviour {
  /** insmod fails. */
  readonly refuses?: boolean;
  /** The transition never ends by itself. */
  readonly stalls?: boolean;
  /** It never comes off either. */
  readonly sticks?: boolean;
  /** Records of /dev/kmsg that are there once the module is in. */
  readonly logs?: string;
  /** So many reads of the kernel log fail once the module is in. */
  readonly unreadable?: number;
  /** The machine dies while the module is being loaded, or so many seconds later. */
  readonly dies?: 'at-load' | number;
  /** A task hangs in what it replaces. */
  readonly hangs?: boolean;
}

const BOOT = '6,1,1000000,-;Linux version 6.1.170\n';
const TRANSITION_SECONDS = 1;
/** Where the clock of a boot stands when the agent comes. Times in `logs` are those of a module loaded then. */
const FIRST_SECONDS = 50;

export class PowerCut extends Error {}

interface Patch {
  readonly name: string;
  readonly behaviour: Behaviour;
  readonly since: number;
  enabled: boolean;
  transition: boolean;
}

/**
 * The livepatch part of a kernel as the agent sees it (ABI/testing/sysfs-kernel-livepatch), for the agent's state machine:
 * every livepatch replaces the others once its transition is through. The real door loads into the kernel of the machine
 * that runs it, which only a virtual machine may be.
 */
export class ModelKernel implements KernelDoor {
  /** By name of the module. */
  readonly behaviours = new Map<string, Behaviour>();
  /** Of modules that have none of their own. */
  behaviour: Behaviour = {};
  boots = 1;
  seconds = FIRST_SECONDS;
  readonly loads: { readonly sha256: string; readonly name: string; readonly boot: number }[] = [];
  /** Names of modules that took the machine down. */
  readonly killers: string[] = [];
  /** Told before the kernel does anything that changes it. */
  before: (what: 'load' | 'disable' | 'remove', name: string) => void = () => {};
  /** The kernel log, as records of /dev/kmsg. */
  log = BOOT;
  #patches: Patch[] = [];
  #modules = new Set<string>();
  #unreadable = 0;

  reboot(): void {
    this.boots += 1;
    this.seconds = FIRST_SECONDS;
    this.#patches = [];
    this.#modules.clear();
    this.log = BOOT;
    this.#unreadable = 0;
  }

  /** Time goes on, and with it what the kernel does by itself. */
  pass(seconds: number): void {
    this.seconds += seconds;
    for (const patch of this.#patches) {
      const age = this.seconds - patch.since;
      const { dies, stalls, sticks } = patch.behaviour;
      if (typeof dies === 'number' && patch.enabled && age >= dies) this.#die(patch.name);
      if (!patch.transition || age < TRANSITION_SECONDS) continue;
      if (patch.enabled && stalls !== true) {
        patch.transition = false;
        this.#patches = this.#patches.filter((other) => other === patch);
      } else if (!patch.enabled && sticks !== true) this.#patches = this.#patches.filter((other) => other !== patch);
    }
  }

  shown(): LoadedLivepatch[] {
    return this.#patches.map(({ name, enabled, transition }) => ({ name, enabled, transition }));
  }

  #die(name: string): never {
    this.killers.push(name);
    throw new PowerCut();
  }

  buildId = (): Promise<string> => Promise.resolve(BUILD_ID);
  release = (): Promise<string> => Promise.resolve(RELEASE);
  bootId = (): Promise<string> => Promise.resolve(`boot ${this.boots}`);
  uptime = (): Promise<number> => Promise.resolve(this.seconds);
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
  livepatches = (): Promise<LoadedLivepatch[]> => Promise.resolve(this.shown());
  modules = (): Promise<Set<string>> => Promise.resolve(new Set(this.#modules));
  blockers = (): Promise<Task[]> => Promise.resolve([{ pid: 77, name: 'sleeper', stack: ['schedule+0x1/0x2'] }]);
  sleepers = (): Promise<Task[]> => {
    const hangs = this.#patches.some(({ behaviour, enabled }) => enabled && behaviour.hangs === true);
    return Promise.resolve(
      hangs ? [{ pid: 78, name: 'reader', stack: ['schedule+0x1/0x2', 'fixed_read+0x3/0x9'] }] : [],
    );
  };

  load = (module: Buffer): Promise<void> => {
    const name = nameOf(module);
    this.before('load', name);
    this.loads.push({ sha256: createHash('sha256').update(module).digest('hex'), name, boot: this.boots });
    const behaviour = this.behaviours.get(name) ?? this.behaviour;
    if (behaviour.dies === 'at-load') this.#die(name);
    if (behaviour.refuses === true || this.#modules.has(name))
      return Promise.reject(new AgentError('load-failed', 'patch', { what: 'refused' }));
    this.#modules.add(name);
    this.#unreadable = behaviour.unreadable ?? 0;
    this.#patches.push({ name, behaviour, since: this.seconds, enabled: true, transition: true });
    const later = (this.seconds - FIRST_SECONDS) * 1e6;
    const logs = (behaviour.logs ?? '').replace(
      /^(\d+,\d+),(\d+),/gm,
      (_, head: string, at: string) => `${head},${Number(at) + later},`,
    );
    this.log += `6,50,${this.seconds * 1e6},-;livepatch: enabling patch '${name}'\n${logs}`;
    return Promise.resolve();
  };

  disable = (name: string): Promise<void> => {
    this.before('disable', name);
    const found = this.#patches.find((patch) => patch.name === name && patch.enabled);
    if (found === undefined) return Promise.resolve();
    this.#patches = this.#patches.map((patch) =>
      patch === found ? { ...patch, enabled: false, transition: true, since: this.seconds } : patch,
    );
    return Promise.resolve();
  };

  remove = (name: string): Promise<boolean> => {
    this.before('remove', name);
    const isOn = this.#patches.some((patch) => patch.name === name);
    if (!isOn) this.#modules.delete(name);
    return Promise.resolve(!isOn);
  };
}

/** `.modinfo`, or the text that the archive's test bundles consist of. */
function nameOf(module: Buffer): string {
  const info = readModuleInfo(module)?.fields.get('name');
  return info ?? /^module (\w+?)module /.exec(module.toString('latin1'))?.[1] ?? 'unnamed';
}

/** A clock that jumps instead of waiting; the modelled kernel lives by it. */
export function jumpingClock(kernel?: ModelKernel): Clock {
  let passed = 0;
  const sleep = (ms: number): Promise<void> => {
    passed += ms;
    try {
      kernel?.pass(ms / 1000);
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
  };
  return { now: () => new Date(), monotonicMs: () => passed, sleep };
}
