import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '#host';
import { initramfs, type Machine, type PayloadFile, startMachine } from '#livepatch';

const ROOT = join(import.meta.dirname, '../../..');
/** Where the agent stands on the host: laid out as in a clone, so that `bin/tuxtape-agent` finds its Node. */
const INSTALLED = 'opt/tuxtape';
/** The Node binary alone is 126 MB, in the initial file system and again in the page cache. */
const MEMORY_MB = 1024;
const POLL_TIMEOUT_MS = 300_000;
/** Brings the one network card up: QEMU's user network, in which 10.0.2.100 is the archive. */
const SETUP = 'ifconfig lo 127.0.0.1 up\nifconfig eth0 10.0.2.15 netmask 255.255.255.0 up\n';

export interface AgentRun {
  readonly exitCode: number;
  readonly output: string;
  /** Content of the status file after the poll. */
  readonly status: {
    readonly state: string;
    readonly note: string;
    readonly error: { readonly code: string; readonly what: string } | null;
    readonly release: { readonly number: number; readonly moduleName: string; readonly cves: string[] } | null;
    readonly kernel: { readonly release: string; readonly buildId: string };
  };
}

/** A virtual host with the real agent on the Node it ships with; `port` of this machine is its archive. */
export class AgentHost {
  readonly machine: Machine;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  static async boot(kernelOut: string, release: string, port: number, root: Buffer): Promise<AgentHost> {
    const payload: PayloadFile[] = [
      ...(await installedAgent()),
      { path: 'etc/tuxtape/root.json', content: root },
      { path: 'setup', content: Buffer.from(SETUP), mode: 0o755 },
    ];
    const files = await initramfs(join(kernelOut, 'modules'), release, [], payload);
    const kernelImage = join(kernelOut, 'bzImage');
    return new AgentHost(await startMachine({ kernelImage, initramfs: files, memoryMb: MEMORY_MB, port }));
  }

  /** One poll of the archive below `path`, with a state folder of its own. */
  async poll(path: string, state: string): Promise<AgentRun> {
    const status = '/run/tuxtape/status.json';
    const command = `/${INSTALLED}/bin/tuxtape-agent run --archive http://10.0.2.100/${path} --root /etc/tuxtape/root.json --state /tmp/${state} --soak 2 --grace 0 --json`;
    await this.machine.run(`rm -f ${status}`);
    const { exitCode, output } = await this.machine.run(command, POLL_TIMEOUT_MS);
    const written = await this.machine.run(`cat ${status}`);
    if (written.exitCode !== 0) throw new TypeError(`the agent wrote no status (exit code ${exitCode}): ${output}`);
    return { exitCode, output, status: JSON.parse(written.output) as AgentRun['status'] };
  }

  /** Names below /sys/kernel/livepatch. */
  async loaded(): Promise<string[]> {
    const { output } = await this.machine.run('ls /sys/kernel/livepatch');
    return output.split('\n').filter(Boolean);
  }
}

async function installedAgent(): Promise<PayloadFile[]> {
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
  const node = `node_modules/node-linux-${arch}/bin/node`;
  const files: PayloadFile[] = [];
  for (const path of ['bin/tuxtape-agent', 'build/agent/tuxtape-agent.cjs', node]) {
    files.push({ path: `${INSTALLED}/${path}`, content: await readFile(join(ROOT, path)), mode: 0o755 });
  }
  return [...files, ...(await librariesOf(join(ROOT, node)))];
}

/** The libraries that a program of this machine is linked to, under their own names. */
export async function librariesOf(program: string): Promise<PayloadFile[]> {
  const { stdout } = await run('ldd', [program]);
  const paths = [...stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map((match) => match[1]!);
  return Promise.all(paths.map(async (path) => ({ path, content: await readFile(path), mode: 0o755 })));
}
