import { spawn } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HostError, ProgramError } from './error.ts';
import { plainEnvironment, type RunOptions, type RunResult, run } from './process.ts';

const FETCH_TIMEOUT_MS = 30 * 60_000;
const LOCAL_TIMEOUT_MS = 10 * 60_000;

/** A blob read by `catFile`: what was asked for and its bytes, or null when it does not exist or is over the size limit. */
export interface GitBlob {
  readonly request: string;
  readonly oid: string | null;
  readonly size: number;
  readonly content: Buffer | null;
}

/** One git repository, opened with none of the user's configuration, no hooks and no prompts. */
export class Git {
  readonly directory: string;
  /** Stops what is at work here. */
  readonly #signal: AbortSignal | undefined;

  constructor(directory: string, signal?: AbortSignal) {
    this.directory = directory;
    this.#signal = signal;
  }

  static environment(): Record<string, string> {
    return plainEnvironment({
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: join(import.meta.dirname, 'gitconfig'),
      GIT_TERMINAL_PROMPT: '0',
      GIT_ASKPASS: '/bin/false',
      GIT_OPTIONAL_LOCKS: '0',
      // A replacement (git-replace(1)) would be another object under the name that was asked for.
      GIT_NO_REPLACE_OBJECTS: '1',
    });
  }

  /** Mirrors `url` (or a local path) into a new bare repository. */
  static async mirror(
    url: string,
    directory: string,
    { depth, signal }: { readonly depth?: number | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Git> {
    await git(
      ['clone', '--quiet', '--mirror', ...depthOption(depth), '--', url, directory],
      { timeoutMs: FETCH_TIMEOUT_MS, diesWithUs: true, ...(signal && { signal }) },
      url,
    );
    return new Git(directory, signal);
  }

  /** Names of the references of a remote, without fetching anything; throws git-failed when it cannot be reached. */
  static async lsRemote(url: string, signal?: AbortSignal): Promise<Map<string, string>> {
    const { stdout } = await git(
      ['ls-remote', '--quiet', '--', url],
      { timeoutMs: 60_000, ...(signal && { signal }) },
      url,
    );
    const lines = stdout.split('\n').filter((line) => line !== '');
    return new Map(lines.map((line) => [line.slice(line.indexOf('\t') + 1), line.slice(0, line.indexOf('\t'))]));
  }

  /** Does a remote answer at all, within this time? */
  static async answers(url: string, timeoutMs: number): Promise<boolean> {
    const result = run('git', ['ls-remote', '--quiet', '--exit-code', '--', url, 'HEAD'], {
      timeoutMs,
      env: Git.environment(),
    });
    return result.then(
      () => true,
      () => false,
    );
  }

  async run(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return git(
      ['-C', this.directory, ...args],
      { timeoutMs: LOCAL_TIMEOUT_MS, maxOutput: 256 << 20, ...(this.#signal && { signal: this.#signal }), ...options },
      this.directory,
    );
  }

  async lines(...args: string[]): Promise<string[]> {
    const { stdout } = await this.run(args);
    return stdout.split('\n').filter((line) => line !== '');
  }

  /**
   * Writes everything of this repository into one file that can be fetched from (git-bundle(1)). A bundle cannot say that
   * its history was cut off somewhere: `<file>.shallow` does, beside it. Returns the files that were written.
   */
  async bundle(file: string): Promise<string[]> {
    await this.run(['bundle', 'create', '--quiet', file, 'HEAD', '--all']);
    const cut = await readFile(join(this.directory, 'shallow')).catch(() => null);
    if (cut === null) return [file];
    await writeFile(`${file}.shallow`, cut);
    return [file, `${file}.shallow`];
  }

  /** Makes an empty bare repository whose history may end at these commits. */
  static async empty(directory: string, shallow: readonly string[], signal?: AbortSignal): Promise<Git> {
    await git(['init', '--quiet', '--bare', '--', directory], { timeoutMs: LOCAL_TIMEOUT_MS }, directory);
    const made = new Git(directory, signal);
    await made.cutAt(shallow);
    return made;
  }

  /** Lets the history end at these commits, too (gitrepository-layout(5), `shallow`). */
  async cutAt(commits: readonly string[]): Promise<void> {
    if (commits.length === 0) return;
    const file = join(this.directory, 'shallow');
    const before = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
    await writeFile(file, [...new Set([...before, ...commits])].map((commit) => `${commit}\n`).join(''));
  }

  /** Removes what a killed git leaves behind: locks that would stop every later fetch, packs that were never finished. */
  async clearLeftovers(): Promise<void> {
    const names = await readdir(this.directory, { recursive: true });
    const left = names.filter((name) => /\.lock$|(?:^|\/)tmp_(?:pack|idx|rev|obj)_[^/]*$/.test(name));
    for (const name of left) await rm(join(this.directory, name), { force: true });
  }

  /** Fetches everything of the mirror's remote, dropping what is gone there. */
  async fetch(url: string, depth?: number): Promise<void> {
    await this.run(['fetch', '--quiet', '--prune', '--force', ...depthOption(depth), '--', url, '+refs/*:refs/*'], {
      timeoutMs: FETCH_TIMEOUT_MS,
      diesWithUs: true,
    });
  }

  /** Commit the default branch points to (HEAD, else the only branch); null for an empty repository. */
  async head(): Promise<string | null> {
    const head = await this.run(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], { okCodes: [0, 1, 128] });
    if (head.exitCode === 0) return head.stdout.trim();
    const branches = await this.lines('for-each-ref', '--format=%(objectname)', 'refs/heads');
    if (branches.length > 1) {
      throw new HostError('git-failed', 'input', {
        what: 'HEAD points nowhere and there are several branches',
        where: this.directory,
      });
    }
    return branches[0] ?? null;
  }

  async hasCommit(commit: string): Promise<boolean> {
    const result = await this.run(['cat-file', '-e', `${commit}^{commit}`], { okCodes: [0, 1, 128] });
    return result.exitCode === 0;
  }

  /** Is `ancestor` reachable from `commit`? False too when either does not exist any more (rewritten history). */
  async isAncestor(ancestor: string, commit: string): Promise<boolean> {
    const result = await this.run(['merge-base', '--is-ancestor', ancestor, commit], { okCodes: [0, 1, 128] });
    return result.exitCode === 0;
  }

  /**
   * Reads objects through one `git cat-file --batch`, in the order asked for. Requests name an object (`<commit>:m`, an
   * object id); a missing one gives `oid: null`, one over `maxBytes` gives `content: null` with its size.
   */
  async *catFile(requests: Iterable<string>, maxBytes: number): AsyncGenerator<GitBlob> {
    const list = [...requests];
    if (list.length === 0) return;
    const child = spawn('git', ['-C', this.directory, 'cat-file', '--batch', '--buffer'], {
      env: Git.environment(),
      stdio: ['pipe', 'pipe', 'inherit'],
      // A Ctrl-C goes to us alone: of a reader that it ended we would take the end for damage.
      detached: true,
    });
    child.stdin.on('error', () => {});
    child.stdin.end(`${list.join('\n')}\n`);
    const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
    try {
      for await (const blob of parseBatch(child.stdout, list, maxBytes, this.directory)) {
        this.#signal?.throwIfAborted();
        yield blob;
      }
    } finally {
      // Whoever stops reading early leaves output in the pipe; the child does not close before it is gone.
      child.stdout.destroy();
      child.kill();
      await closed;
    }
  }
}

async function* parseBatch(
  stream: AsyncIterable<Buffer>,
  requests: readonly string[],
  maxBytes: number,
  where: string,
): AsyncGenerator<GitBlob> {
  let buffer = Buffer.alloc(0);
  const chunks = stream[Symbol.asyncIterator]();
  const more = async (): Promise<void> => {
    const next = await chunks.next();
    if (next.done === true) throw new HostError('git-failed', 'toolchain', { what: 'git cat-file ended early', where });
    buffer = Buffer.concat([buffer, next.value]);
  };
  for (const request of requests) {
    let end = buffer.indexOf(10);
    while (end < 0) {
      await more();
      end = buffer.indexOf(10);
    }
    const header = buffer.toString('utf8', 0, end);
    buffer = buffer.subarray(end + 1);
    const match = /^([0-9a-f]{40,64}) (\w+) (\d+)$/.exec(header);
    if (!match) {
      yield { request, oid: null, size: 0, content: null };
      continue;
    }
    const size = Number(match[3]);
    const parts: Buffer[] = [];
    let wanted = size + 1; // the content and a line feed
    while (wanted > 0) {
      if (buffer.length === 0) await more();
      const part = buffer.subarray(0, wanted);
      if (size <= maxBytes) parts.push(part);
      buffer = buffer.subarray(part.length);
      wanted -= part.length;
    }
    const content = size <= maxBytes ? Buffer.concat(parts).subarray(0, size) : null;
    yield { request, oid: match[1]!, size, content };
  }
}

function depthOption(depth: number | undefined): string[] {
  return depth === undefined ? [] : [`--depth=${depth}`];
}

async function git(args: readonly string[], options: RunOptions, where: string): Promise<RunResult> {
  try {
    return await run('git', args, { ...options, env: Git.environment() });
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    // No answer in time, or killed: nothing was said about the repository itself.
    const network =
      error.exitCode === null ||
      /could not resolve|unable to access|connection|timed out|early EOF|hung up|remote end/i.test(error.stderr);
    throw new HostError('git-failed', network ? 'network' : 'input', {
      what: `git ${args.find((word) => !word.startsWith('-') && !word.startsWith('/')) ?? ''} failed: ${error.stderr.trim().split('\n').slice(-2).join(' | ').slice(0, 400)}`,
      where,
      remedy: network
        ? 'check the address and the network; what was fetched before is kept'
        : 'check that this is a git repository',
      cause: error,
    });
  }
}
