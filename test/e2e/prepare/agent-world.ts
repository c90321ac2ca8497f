import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ArchivePlace, publishLivepatch, subscribeKernel } from '#archive';
import type { CveId, LivepatchRecipe } from '#domain';
import { treeLayout } from '#kernel';
import { readModuleInfo } from '../../../src/agent/precheck/module-info.ts';
import { bundleOf, newArchive, recallOne } from '../../../testkit/archive.ts';
import { type StaticServer, serveFolder } from '../../../testkit/static-server.ts';
import { AgentMachine } from './agent-machine.ts';
import { cacheRoot } from './cache.ts';
import { type Cli, cliIn } from './cli.ts';
import { type BuiltKernel, builtKernel, source61 } from './kernels.ts';

const PATCHES = join(import.meta.dirname, '../patches');

export interface Built {
  readonly name: string;
  readonly module: Buffer;
  readonly recipe: LivepatchRecipe;
}

/** A kernel, livepatches of it by the engine, and archives from which machines load them. */
export class AgentWorld {
  readonly kernel: BuiltKernel;
  readonly #tuxtape: Cli;
  readonly #data: string;

  private constructor(kernel: BuiltKernel, tuxtape: Cli, data: string) {
    this.kernel = kernel;
    this.#tuxtape = tuxtape;
    this.#data = data;
  }

  static async make(): Promise<AgentWorld> {
    const cache = cacheRoot();
    const data = await mkdtemp(join(tmpdir(), 'tuxtape-e2e-'));
    const tuxtape = cliIn(data, join(cache, 'kernels'));
    const toolchain = join(cache, 'toolchain/trixie');
    await tuxtape('toolchain', 'make', toolchain);
    return new AgentWorld(await builtKernel(tuxtape, cache, 'server', await source61(cache), toolchain), tuxtape, data);
  }

  /** A livepatch of all these changes: names of test/e2e/patches, or whole paths. */
  async build(...changes: readonly string[]): Promise<Built> {
    const texts = await Promise.all(
      changes.map((change) => readFile(change.startsWith('/') ? change : join(PATCHES, change), 'utf8')),
    );
    const file = join(this.#data, 'change.patch');
    await writeFile(file, texts.join('\n'));
    const { livepatch } = (await this.#tuxtape(
      'livepatch',
      'build',
      '--kernel',
      this.kernel.name,
      '--patch',
      file,
    )) as {
      livepatch: { directory: string; recipe: LivepatchRecipe };
    };
    const name = (await readdir(livepatch.directory)).find((entry) => entry.endsWith('.ko'))!;
    const module = await readFile(join(livepatch.directory, name));
    return { name: readModuleInfo(module)!.fields.get('name')!, module, recipe: livepatch.recipe };
  }

  /** A new archive that serves this kernel, and a machine that is set up from it by the package's own command. */
  async host(settings: string): Promise<AgentSite> {
    const place = await newArchive(await mkdtemp(join(this.#data, 'site-')));
    await subscribeKernel(place, this.kernel.buildId, this.kernel.release);
    const server = await serveFolder(place.directory);
    let machine: AgentMachine | undefined;
    try {
      const root = await readFile(join(place.directory, 'root.json'));
      const out = treeLayout(this.kernel.treeDirectory).out;
      machine = await AgentMachine.install(out, this.kernel.release, server.port, root);
      const words = `setup --archive http://10.0.2.100 --root /root/root.json ${settings}`;
      const { exitCode, output } = await machine.shell(`tuxtape-agent ${words}`);
      if (exitCode !== 0) throw new TypeError(`set-up ended with ${exitCode}: ${output}`);
      return new AgentSite(machine, place, server, this.kernel);
    } catch (error) {
      await machine?.cut();
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  async close(): Promise<void> {
    await rm(this.#data, { recursive: true, force: true });
  }
}

/** One host and the archive it loads from. */
export class AgentSite {
  readonly machine: AgentMachine;
  readonly #place: ArchivePlace;
  readonly #server: StaticServer;
  readonly #kernel: BuiltKernel;

  constructor(machine: AgentMachine, place: ArchivePlace, server: StaticServer, kernel: BuiltKernel) {
    this.machine = machine;
    this.#place = place;
    this.#server = server;
    this.#kernel = kernel;
  }

  async publish({ name, module, recipe }: Built, ...cves: readonly CveId[]): Promise<number> {
    const { buildId, release: kernelRelease } = this.#kernel;
    const { functions } = recipe;
    const { number } = await publishLivepatch(
      this.#place,
      bundleOf({ name, module, buildId, kernelRelease, cves, functions }),
    );
    return number;
  }

  recall(number: number, reason: string): Promise<void> {
    return recallOne(this.#place, number, reason, this.#kernel.buildId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine.cut();
    await this.#server[Symbol.asyncDispose]();
  }
}
