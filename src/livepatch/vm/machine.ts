import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { exists, findProgram, type Interactive, startInteractive } from '#host';
import { LivepatchError } from '../error.ts';
import { missing } from './initramfs.ts';
import { requestLine, VmProtocol } from './protocol.ts';

const DEFAULT_MEMORY_MB = 512;
const BOOT_TIMEOUT_MS = 180_000;
const COMMAND_TIMEOUT_MS = 60_000;
/** A kernel under working hardware virtualisation mostly prints within this time; then emulation is tried beside it. */
const KVM_HEAD_START_MS = 700;
/** An emulated one prints within this time. */
const SIGN_OF_LIFE_MS = 20_000;
const MAX_CONSOLE_BYTES = 16 << 20;
const TAIL = 2_000;

export interface MachineOptions {
  readonly kernelImage: string;
  readonly initramfs: Uint8Array;
  readonly memoryMb?: number;
  readonly cpus?: number;
  /** Disk images, as virtio block devices in this order. */
  readonly disks?: readonly { readonly path: string; readonly readonly: boolean }[];
  /** The one port of this host that the machine reaches, at 10.0.2.100:80; nothing else of any network. */
  readonly port?: number;
  readonly bootTimeoutMs?: number;
  /** Added to the kernel command line. */
  readonly append?: string;
  /** Wall clock of the machine (`-rtc base=`), ISO 8601. */
  readonly clock?: string;
}

export interface CommandResult {
  readonly exitCode: number;
  readonly output: string;
}

/** A running virtual machine that obeys commands. */
export interface Machine {
  readonly accelerator: 'kvm' | 'tcg';
  /** Runs a shell command inside. Errors: vm-timed-out, vm-died (with the end of the console). */
  run(command: string, timeoutMs?: number): Promise<CommandResult>;
  /** Waits until another kernel, which this one started (kexec), obeys. Errors: vm-timed-out, vm-died. */
  restarted(timeoutMs?: number): Promise<void>;
  /** Everything the kernel and init printed so far. */
  console(): Promise<string>;
  /** Cuts the power. */
  stop(): Promise<void>;
}

/** What this process learnt of KVM here; undefined: nothing yet. */
let kvmWorks: boolean | undefined;

/**
 * Boots a kernel in QEMU and waits until it obeys: with KVM where that works, else emulated (TCG).
 * Errors: vm-program-missing, vm-boot-failed, vm-died.
 */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const qemu = findProgram('qemu-system-x86_64');
  if (qemu === undefined) throw missing('qemu-system-x86_64', 'qemu-system-x86');
  if (kvmWorks === false || !(await usableKvm())) return booted(await launch(qemu, options, 'tcg'), options);
  const machine = await launch(qemu, options, 'kvm');
  if (kvmWorks === true || (await machine.showsLife(KVM_HEAD_START_MS))) return booted(machine, options);
  return booted(await firstAlive(machine, await launch(qemu, options, 'tcg')), options);
}

/** KVM that is there may be broken, or slow at first: the one that prints first goes on, the other is stopped. */
async function firstAlive(kvm: QemuMachine, tcg: QemuMachine): Promise<QemuMachine> {
  const alive = async (machine: QemuMachine): Promise<QemuMachine> => {
    if (await machine.showsLife(SIGN_OF_LIFE_MS)) return machine;
    throw new RangeError('no sign of life');
  };
  const first = await Promise.any([alive(kvm), alive(tcg)]).catch(() => tcg);
  kvmWorks = first === kvm;
  await (kvmWorks ? tcg : kvm).stop();
  return first;
}

async function launch(qemu: string, options: MachineOptions, accelerator: 'kvm' | 'tcg'): Promise<QemuMachine> {
  const folder = await mkdtemp(join(tmpdir(), 'tuxtape-vm-'));
  await writeFile(join(folder, 'initramfs'), options.initramfs);
  return new QemuMachine(startInteractive(qemu, qemuArguments(options, folder, accelerator)), folder, accelerator);
}

async function booted(machine: QemuMachine, options: MachineOptions): Promise<Machine> {
  try {
    await machine.ready(options.bootTimeoutMs ?? BOOT_TIMEOUT_MS);
    return machine;
  } catch (error) {
    await machine.stop();
    throw error;
  }
}

async function usableKvm(): Promise<boolean> {
  if (!(await exists('/dev/kvm'))) return false;
  const handle = await open('/dev/kvm', 'r+').catch(() => undefined);
  await handle?.close();
  return handle !== undefined;
}

function qemuArguments(options: MachineOptions, folder: string, accelerator: string): string[] {
  const disks = (options.disks ?? []).flatMap(({ path, readonly }, i) => {
    const drive = `id=disk${i},if=none,format=raw,file=${path.replaceAll(',', ',,')}${readonly ? ',readonly=on' : ''}`;
    return ['-drive', drive, '-device', `virtio-blk-pci,drive=disk${i}`];
  });
  const forward = `guestfwd=tcp:10.0.2.100:80-cmd:${findProgram('busybox')} nc 127.0.0.1 ${options.port}`;
  const network =
    options.port === undefined
      ? ['-nic', 'none']
      : ['-netdev', `user,id=net,restrict=on,${forward}`, '-device', 'virtio-net-pci,netdev=net'];
  return [
    ...[
      '-machine',
      `accel=${accelerator}`,
      '-cpu',
      accelerator === 'kvm' ? 'host' : 'max',
      '-smp',
      String(options.cpus ?? 2),
    ],
    ...[
      '-m',
      String(options.memoryMb ?? DEFAULT_MEMORY_MB),
      '-nodefaults',
      '-display',
      'none',
      '-no-reboot',
      '-no-user-config',
    ],
    ...(options.clock === undefined ? [] : ['-rtc', `base=${options.clock}`]),
    ...['-chardev', `file,id=console,path=${join(folder, 'console')}`, '-serial', 'chardev:console'],
    ...['-chardev', 'stdio,id=control,signal=off', '-serial', 'chardev:control'],
    ...['-device', 'virtio-rng-pci'],
    ...disks,
    ...network,
    ...['-kernel', options.kernelImage, '-initrd', join(folder, 'initramfs')],
    // A panic ends the machine at once: it is seen as "died", with the console to tell why.
    ...['-append', `console=ttyS0 panic=-1 rdinit=/init ${options.append ?? ''}`.trim()],
  ];
}

class QemuMachine implements Machine {
  readonly accelerator: 'kvm' | 'tcg';
  readonly #child: Interactive;
  readonly #folder: string;
  readonly #protocol = new VmProtocol();
  readonly #waiting = new Map<number, (result: CommandResult) => void>();
  #becameReady: () => void = () => {};
  readonly #isReady = new Promise<void>((resolve) => {
    this.#becameReady = resolve;
  });
  /** Those who wait for the next kernel. */
  #restartWaiters: (() => void)[] = [];
  #lastId = 0;
  #lastConsole = '';

  constructor(child: Interactive, folder: string, accelerator: 'kvm' | 'tcg') {
    this.#child = child;
    this.#folder = folder;
    this.accelerator = accelerator;
    child.onOutput((chunk) => {
      for (const message of this.#protocol.push(chunk)) {
        if (message.kind === 'ready') {
          this.#becameReady();
          for (const wake of this.#restartWaiters.splice(0)) wake();
        } else {
          this.#waiting.get(message.id)?.(message);
          this.#waiting.delete(message.id);
        }
      }
    });
  }

  /** Did the kernel print anything within this time? */
  async showsLife(timeoutMs: number): Promise<boolean> {
    const dead = this.#child.ended.then(() => 'dead' as const);
    for (const deadline = performance.now() + timeoutMs; performance.now() < deadline; ) {
      if ((await Promise.race([dead, setTimeout(100)])) === 'dead') return false;
      if ((await this.console()) !== '') return true;
    }
    return false;
  }

  async ready(timeoutMs: number): Promise<void> {
    await this.#within(this.#isReady, timeoutMs, 'vm-boot-failed', 'the kernel did not boot');
  }

  async run(command: string, timeoutMs = COMMAND_TIMEOUT_MS): Promise<CommandResult> {
    this.#lastId += 1;
    const id = this.#lastId;
    const result = new Promise<CommandResult>((resolve) => this.#waiting.set(id, resolve));
    this.#child.write(requestLine(id, command));
    return this.#within(result, timeoutMs, 'vm-timed-out', `the machine did not finish "${command.slice(0, 80)}"`);
  }

  async restarted(timeoutMs = BOOT_TIMEOUT_MS): Promise<void> {
    const again = new Promise<void>((resolve) => this.#restartWaiters.push(resolve));
    await this.#within(again, timeoutMs, 'vm-timed-out', 'no other kernel obeyed');
  }

  async console(): Promise<string> {
    const text = await readFile(join(this.#folder, 'console')).catch(() => undefined);
    if (text !== undefined)
      this.#lastConsole = text.subarray(0, MAX_CONSOLE_BYTES).toString('utf8').replaceAll('\r\n', '\n');
    return this.#lastConsole;
  }

  async stop(): Promise<void> {
    await this.#child.kill();
    await this.console();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Waits for `promise`, for the deadline and for the death of QEMU, whichever comes first. */
  async #within<T>(
    promise: Promise<T>,
    timeoutMs: number,
    code: 'vm-boot-failed' | 'vm-timed-out',
    what: string,
  ): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<'late'>((resolve) => {
      timer = globalThis.setTimeout(() => resolve('late'), timeoutMs);
    });
    const first = await Promise.race([
      promise.then((value) => ({ value })),
      deadline,
      this.#child.ended.then(() => 'dead' as const),
    ]);
    clearTimeout(timer);
    if (typeof first === 'object') return first.value;
    const tail = (await this.console()).slice(-TAIL);
    if (first === 'late')
      throw new LivepatchError(code, 'kernel-source', {
        what: `${what} within ${Math.round(timeoutMs / 1000)} s; the console ends:\n${tail}`,
      });
    throw new LivepatchError('vm-died', 'kernel-source', {
      what: `the machine died: ${this.#child.errors().slice(-300)}; the console ends:\n${tail}`,
    });
  }
}
