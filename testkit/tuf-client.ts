import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '#host';
import { runTufClient } from '../src/tuf-client/run.ts';
import { scratch } from './scratch.ts';
import { type RepositoryServer, serveRepository, TufRepository } from './tuf-repository.ts';

const DAY_MS = 86_400_000;

/** A repository that is served, and a client with folders of its own, driven by its command line. */
export class TufBench implements AsyncDisposable {
  readonly repo: TufRepository;
  readonly server: RepositoryServer;
  readonly home: string;
  /** What the last command said on stderr. */
  said = '';
  /** Days the clock of the client is ahead. */
  days = 0;

  private constructor(repo: TufRepository, server: RepositoryServer, home: string) {
    this.repo = repo;
    this.server = server;
    this.home = home;
  }

  /** With the root of now already set up, unless `init` is false. */
  static async start(repo = new TufRepository(), init = true): Promise<TufBench> {
    const bench = new TufBench(repo, await serveRepository(repo), await scratch());
    if (init && (await bench.init()) !== 0) throw new TypeError(`init failed: ${bench.said}`);
    return bench;
  }

  get metadataFolder(): string {
    return join(this.home, 'metadata');
  }

  get targetFolder(): string {
    return join(this.home, 'targets');
  }

  async run(...args: readonly string[]): Promise<number> {
    this.said = '';
    const clock = { ...systemClock, now: () => new Date(Date.now() + this.days * DAY_MS) };
    return runTufClient(args, { clock, out: () => {}, err: (text) => (this.said += text) });
  }

  async init(root = this.repo.files.get('metadata/1.root.json')!): Promise<number> {
    await writeFile(join(this.home, 'given.json'), root);
    return this.run('--metadata-dir', this.metadataFolder, 'init', join(this.home, 'given.json'));
  }

  refresh(): Promise<number> {
    return this.run('--metadata-dir', this.metadataFolder, '--metadata-url', `${this.server.url}/metadata/`, 'refresh');
  }

  download(name: string): Promise<number> {
    const metadata = ['--metadata-dir', this.metadataFolder, '--metadata-url', `${this.server.url}/metadata/`];
    const target = ['--target-name', name, '--target-base-url', `${this.server.url}/targets/`];
    return this.run(...metadata, ...target, '--target-dir', this.targetFolder, 'download');
  }

  /** The code of the last refusal. */
  get code(): string | undefined {
    return /\[([a-z-]+)\]/.exec(this.said)?.[1];
  }

  /** What is trusted, by file name without `.json`, and its version. */
  async trusted(): Promise<Record<string, number>> {
    const found: Record<string, number> = {};
    // Not what a write that was cut off left beside them.
    const names = (await readdir(this.metadataFolder)).filter((name) => name.endsWith('.json'));
    for (const name of names.sort()) {
      const text = await readFile(join(this.metadataFolder, name), 'utf8');
      found[name.replace(/\.json$/, '')] = (JSON.parse(text) as { signed: { version: number } }).signed.version;
    }
    return found;
  }

  /** Content of every downloaded file, by name. */
  async downloads(): Promise<Record<string, string>> {
    const names = await readdir(this.targetFolder).catch(() => []);
    const files = names.map(async (name) => [name, await readFile(join(this.targetFolder, name), 'utf8')] as const);
    return Object.fromEntries(await Promise.all(files));
  }

  /** Metadata files that were asked for since the last call, without the suffix. */
  asked(): string[] {
    const found = this.server.requests.filter((path) => path.startsWith('metadata/'));
    this.server.requests.length = 0;
    return found.map((path) => path.replace(/^metadata\//, '').replace(/\.json$/, ''));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}
