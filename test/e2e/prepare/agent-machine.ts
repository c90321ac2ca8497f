import { mkdtemp, readFile, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '#host';
import { type CommandResult, initramfs, type Machine, type PayloadFile, startMachine } from '#livepatch';
import type { AgentStatus } from '../../../src/agent/report/status.ts';
import { agentFiles, runtimeFiles } from '../../../tools/agent-package.ts';
import { librariesOf } from './host.ts';

const MEMORY_MB = 1024;
const RUN_TIMEOUT_MS = 200_000;
const DISK_BYTES = 256 << 20;
/** The host's own disk has what must outlive a power cut; the rest is made anew at each boot, as from an image. */
const SETUP = `ifconfig lo 127.0.0.1 up
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
mkdir -p /disk /var/lib/tuxtape-agent /etc/tuxtape
mount -t ext4 /dev/vda /disk && mkdir -p /disk/state /disk/config
mount -o bind /disk/state /var/lib/tuxtape-agent
mount -o bind /disk/config /etc/tuxtape
`;

export interface AgentRun {
  readonly exitCode: number;
  readonly output: string;
  readonly status: AgentStatus;
}

/** A virtual host with a disk of its own, on which the package of the agent is installed. */
export class AgentMachine {
  #machine: Machine | undefined;
  readonly #boot: () => Promise<Machine>;
  boots = 0;

  private constructor(boot: () => Promise<Machine>) {
    this.#boot = boot;
  }

  /** `port` of this machine is its archive, at http://10.0.2.100. */
  static async install(kernelOut: string, release: string, port: number, root: Buffer): Promise<AgentMachine> {
    const payload: PayloadFile[] = [
      ...(await installed()),
      { path: 'root/root.json', content: root },
      { path: 'usr/bin/vforker', content: await vforker(), mode: 0o755 },
      { path: 'setup', content: Buffer.from(SETUP), mode: 0o755 },
    ];
    const files = await initramfs(join(kernelOut, 'modules'), release, [], payload);
    const disk = join(await mkdtemp(join(tmpdir(), 'tuxtape-disk-')), 'disk.img');
    await writeFile(disk, '');
    await truncate(disk, DISK_BYTES);
    await run('mke2fs', ['-q', '-t', 'ext4', '-F', disk], { timeoutMs: 60_000 });
    const kernelImage = join(kernelOut, 'bzImage');
    const machine = new AgentMachine(() =>
      startMachine({
        kernelImage,
        initramfs: files,
        memoryMb: MEMORY_MB,
        port,
        disks: [{ path: disk, readonly: false }],
        // Under emulation on a busy machine the timer's own check fails, and the kernel panics.
        append: 'no_timer_check',
      }),
    );
    await machine.boot();
    return machine;
  }

  get machine(): Machine {
    if (this.#machine === undefined) throw new TypeError('the machine is off');
    return this.#machine;
  }

  async boot(): Promise<void> {
    this.#machine = await this.#boot();
    this.boots += 1;
  }

  /** The power goes, at once. */
  async cut(): Promise<void> {
    await this.#machine?.stop();
    this.#machine = undefined;
  }

  shell(command: string, timeoutMs = RUN_TIMEOUT_MS): Promise<CommandResult> {
    return this.machine.run(command, timeoutMs);
  }

  /** `tuxtape-agent WORDS`, and what the status file says after it. */
  async agent(words: string): Promise<AgentRun> {
    await this.shell('rm -f /run/tuxtape/status.json');
    const { exitCode, output } = await this.shell(`tuxtape-agent ${words}`);
    const status = await this.status().catch((error: unknown) => {
      throw new TypeError(`the agent ended with ${exitCode}: ${output}`, { cause: error });
    });
    return { exitCode, output, status };
  }

  async status(): Promise<AgentStatus> {
    const { output, exitCode } = await this.shell('cat /run/tuxtape/status.json');
    if (exitCode !== 0) throw new TypeError(`there is no status: ${output}`);
    return JSON.parse(output) as AgentStatus;
  }

  /** Names of the livepatches that are on, as the kernel itself says. */
  async on(): Promise<string[]> {
    const { output } = await this.shell(
      'cd /sys/kernel/livepatch && for p in *; do [ -e $p/enabled ] && echo $p $(cat $p/enabled) $(cat $p/transition); done; true',
    );
    return output
      .split('\n')
      .filter((line) => / 1 \d$/.test(line))
      .map((line) => line.split(' ')[0]!);
  }

  /** How often a livepatch was enabled in this boot, by the kernel's own log. */
  async enablings(name: string): Promise<number> {
    const { output } = await this.shell(`dmesg | grep -c "livepatch: enabling patch '${name}'"; true`);
    return Number(output.trim());
  }
}

/** A program whose parent half holds up the transition of whatever replaces `kernel_clone`. */
async function vforker(): Promise<Buffer> {
  const file = join(await mkdtemp(join(tmpdir(), 'tuxtape-vforker-')), 'vforker');
  await run('gcc', ['-O1', '-static', '-o', file, join(import.meta.dirname, 'vforker.c')], { timeoutMs: 60_000 });
  return readFile(file);
}

/** What dpkg would unpack: the agent's package as it is built, and the runtime's files. */
async function installed(): Promise<PayloadFile[]> {
  const files: PayloadFile[] = [];
  for (const { from, to, mode } of [...agentFiles(), ...runtimeFiles()]) {
    if (to.includes('/doc/') || to.includes('/systemd/')) continue;
    files.push({ path: to, content: await readFile(from), mode });
  }
  return [...files, ...(await librariesOf(runtimeFiles()[0]!.from))];
}
