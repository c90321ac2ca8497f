import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildIdOfNotes } from '#domain';
import { findProgram, run } from '#host';
import { initramfs, type Machine, type PayloadFile, startMachine } from '#livepatch';
import type { PlanStatus } from '#reboot';
import { librariesOf } from './host.ts';
import type { KernelPair, PackagedKernel } from './kernel-pair.ts';

const ROOT = join(import.meta.dirname, '../../..');
const HOOKS = join(import.meta.dirname, '../hooks');
const INSTALLED = 'opt/tuxtape';
/** The Node binary alone is 126 MB, in the initial file system and again in the page cache. */
const MEMORY_MB = 1024;
const DISK_MB = 256;
const RUN_TIMEOUT_MS = 240_000;
const DISK = '/data';
/** Brings up the loopback address and the one disk, where everything lives that outlives a boot. */
const SETUP = `while read -r file; do insmod /modules/$file; done </modules/order
ifconfig lo 127.0.0.1 up
mkdir -p ${DISK}
mount -t ext4 /dev/vda ${DISK}
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
[ -e /dev/ptmx ] || ln -s pts/ptmx /dev/ptmx
`;
/** The disk, and what CRIU asks the kernel about sockets and packet filters with. */
const MODULES = [
  ...['virtio_pci', 'virtio_blk', 'unix_diag', 'inet_diag', 'tcp_diag', 'udp_diag', 'af_packet_diag', 'netlink_diag'],
  ...['nf_tables', 'tun', 'veth'],
];

/** What the counting server answers. */
export interface CounterAnswer {
  /** Drawn when it started. */
  readonly token: string;
  readonly pid: number;
  readonly clients: number;
  readonly ticks: number;
}

/** A virtual host with a disk, the hook runner, CRIU and hooks; `boot` starts it with a kernel, as its firmware would. */
export class RebootHost {
  readonly #disk: string;
  readonly #kernels: KernelPair;
  readonly #files: Readonly<Record<keyof KernelPair, Buffer>>;
  #machine: Machine | null = null;

  private constructor(disk: string, kernels: KernelPair, files: Readonly<Record<keyof KernelPair, Buffer>>) {
    this.#disk = disk;
    this.#kernels = kernels;
    this.#files = files;
  }

  /** `folder`: where its disk lies, with the fixed kernel on it. `hooks`: the content of hooks.json. */
  static async make(folder: string, hooks: object, kernels: KernelPair): Promise<RebootHost> {
    const payload: PayloadFile[] = [
      ...(await programs()),
      ...(await hookPrograms()),
      { path: 'etc/tuxtape/hooks.json', content: Buffer.from(JSON.stringify(hooks)) },
      { path: 'setup', content: Buffer.from(SETUP), mode: 0o755 },
    ];
    const filesOf = ({ root, release }: PackagedKernel): Promise<Buffer> => initramfs(root, release, MODULES, payload);
    const files = { running: await filesOf(kernels.running), fixed: await filesOf(kernels.fixed) };
    const disk = join(folder, 'disk.img');
    const boot = join(folder, 'disk/boot');
    await mkdir(boot, { recursive: true });
    await cp(kernels.fixed.image, join(boot, 'kernel'));
    await writeFile(join(boot, 'initrd'), files.fixed);
    const options = ['-q', '-t', 'ext4', '-E', 'root_owner=0:0', '-d', join(folder, 'disk')];
    await run('mke2fs', [...options, disk, `${DISK_MB}M`], { timeoutMs: 120_000 });
    return new RebootHost(disk, kernels, files);
  }

  async boot(which: keyof KernelPair): Promise<void> {
    await this.powerOff();
    const disks = [{ path: this.#disk, readonly: false }];
    const kernelImage = this.#kernels[which].image;
    this.#machine = await startMachine({ kernelImage, initramfs: this.#files[which], memoryMb: MEMORY_MB, disks });
  }

  /** Cuts the power: what the kernel has not written is lost. */
  async powerOff(): Promise<void> {
    await this.#machine?.stop();
    this.#machine = null;
  }

  get machine(): Machine {
    if (this.#machine === null) throw new TypeError('the host is off');
    return this.#machine;
  }

  /** Output of a command that has to succeed. */
  async ok(command: string): Promise<string> {
    const { exitCode, output } = await this.machine.run(command, RUN_TIMEOUT_MS);
    if (exitCode !== 0)
      throw new TypeError(`"${command}" ended with ${exitCode}: ${output}\n${await this.machine.console()}`);
    return output.trim();
  }

  /** As `tuxtape-reboot` prints it. */
  async runner(words: string): Promise<PlanStatus> {
    const { output } = await this.machine.run(`${runnerCommand(words)} 2>&1`, RUN_TIMEOUT_MS);
    try {
      return JSON.parse(output) as PlanStatus;
    } catch (cause) {
      throw new TypeError(`tuxtape-reboot ${words}: ${output}`, { cause });
    }
  }

  /** Carries out a plan that ends with the machine: true once it went down by itself. */
  async runUntilDown(words: string): Promise<boolean> {
    const end = await this.machine.run(runnerCommand(words), RUN_TIMEOUT_MS).then(
      ({ output }) => output,
      (error: unknown) => (error as { code?: string }).code,
    );
    // It may still print its answer while it goes down.
    if (end !== 'vm-died' && !String(end).includes('going-down')) throw new TypeError(`it did not go down: ${end}`);
    const down = await this.machine
      .run('sleep 60', RUN_TIMEOUT_MS)
      .catch((error: unknown) => (error as { code?: string }).code);
    return down === 'vm-died';
  }

  /** Carries out a plan that jumps into another kernel. */
  async runUntilJump(words: string): Promise<void> {
    const jumped = this.machine.restarted(RUN_TIMEOUT_MS);
    const early = this.machine.run(runnerCommand(words), RUN_TIMEOUT_MS).then(({ output }) => {
      throw new TypeError(`it did not jump: ${output}`);
    });
    await Promise.race([jumped, early]);
    early.catch(() => {});
  }

  async ask(): Promise<CounterAnswer> {
    const [token, pid, clients, ticks] = (await this.ok('nc 127.0.0.1 7777 </dev/null')).split(' ');
    return { token: token!, pid: Number(pid), clients: Number(clients), ticks: Number(ticks) };
  }

  /** Build-id of the kernel that runs, from the machine itself, in hexadecimal. */
  async buildId(): Promise<string> {
    const notes = Buffer.from(await this.ok('base64 -w 0 /sys/kernel/notes'), 'base64');
    return buildIdOfNotes(notes) ?? 'none';
  }

  /** A file of the disk, read from outside while the host is off. */
  async onDisk(path: string): Promise<string> {
    return (await run('debugfs', ['-R', `cat ${path}`, this.#disk])).stdout;
  }
}

function runnerCommand(words: string): string {
  return `/${INSTALLED}/bin/tuxtape-reboot ${words} --state ${DISK}/tuxtape-reboot`;
}

async function programs(): Promise<PayloadFile[]> {
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
  const node = `node_modules/node-linux-${arch}/bin/node`;
  const files: PayloadFile[] = [];
  for (const path of ['bin/tuxtape-reboot', 'build/reboot/tuxtape-reboot.cjs', node])
    files.push({ path: `${INSTALLED}/${path}`, content: await readFile(join(ROOT, path)), mode: 0o755 });
  files.push(...(await librariesOf(join(ROOT, node))));
  for (const name of ['criu', 'setpriv']) {
    const program = findProgram(name);
    if (program === undefined) throw new TypeError(`${name} is not installed`);
    files.push(
      { path: `usr/sbin/${name}`, content: await readFile(program), mode: 0o755 },
      ...(await librariesOf(program)),
    );
  }
  const seen = new Set<string>();
  return files.filter(({ path }) => !seen.has(path) && seen.add(path));
}

async function hookPrograms(): Promise<PayloadFile[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tuxtape-hooks-'));
  try {
    await cp(HOOKS, folder, { recursive: true });
    for (const name of ['counter', 'kexec'])
      await run('gcc', ['-O2', '-static', '-o', join(folder, name), join(folder, `${name}.c`)], { timeoutMs: 60_000 });
    const names = (await readdir(folder)).filter((name) => !name.endsWith('.c'));
    return await Promise.all(
      names.map(async (name) => {
        const content = await readFile(join(folder, name));
        return { path: `opt/hooks/${name}`, content, mode: (await stat(join(folder, name))).mode & 0o777 };
      }),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}
