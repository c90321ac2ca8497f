/**
 * Random lives of a repository, its thieves and its hosts. Whatever happens: versions that are trusted go down only when a key
 * rotation says so, nothing is got that no chain of delegation signs, and an honest archive can always be read again.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TufBench } from '../../../testkit/tuf-client.ts';
import { TestKey } from '../../../testkit/tuf-keys.ts';
import { inDays, percent, type TufRepository } from '../../../testkit/tuf-repository.ts';

const ROLES = ['root', 'timestamp', 'snapshot', 'targets', 'a', 'b'] as const;
type Role = (typeof ROLES)[number];
const PATHS = ['top', 'a/one', 'b/one', 'b/two'] as const;

type Move =
  | { readonly do: 'publish'; readonly role: Role }
  | { readonly do: 'release'; readonly path: (typeof PATHS)[number]; readonly content: string }
  | { readonly do: 'rotate'; readonly role: 'root' | 'timestamp' | 'snapshot' | 'targets' }
  | { readonly do: 'rotate-delegate'; readonly role: 'a' | 'b' }
  | { readonly do: 'roll-back'; readonly to: number }
  | { readonly do: 'lower'; readonly role: 'timestamp' | 'snapshot' | 'targets' | 'a' }
  | { readonly do: 'drop-signature'; readonly role: Role }
  | { readonly do: 'stranger'; readonly role: Role }
  | { readonly do: 'expire'; readonly role: Role }
  | { readonly do: 'hide'; readonly role: Role }
  | { readonly do: 'swap-target'; readonly path: (typeof PATHS)[number] }
  | { readonly do: 'repair' }
  | { readonly do: 'refresh' }
  | { readonly do: 'download'; readonly path: (typeof PATHS)[number] };

const role = fc.constantFrom(...ROLES);
const path = fc.constantFrom(...PATHS);
const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ do: fc.constant('publish' as const), role }),
  fc.record({ do: fc.constant('release' as const), path, content: fc.string({ maxLength: 8 }) }),
  fc.record({ do: fc.constant('rotate' as const), role: fc.constantFrom('root', 'timestamp', 'snapshot', 'targets') }),
  fc.record({ do: fc.constant('rotate-delegate' as const), role: fc.constantFrom('a', 'b') }),
  fc.record({ do: fc.constant('roll-back' as const), to: fc.nat(10) }),
  fc.record({ do: fc.constant('lower' as const), role: fc.constantFrom('timestamp', 'snapshot', 'targets', 'a') }),
  fc.record({ do: fc.constant('drop-signature' as const), role }),
  fc.record({ do: fc.constant('stranger' as const), role }),
  fc.record({ do: fc.constant('expire' as const), role }),
  fc.record({ do: fc.constant('hide' as const), role }),
  fc.record({ do: fc.constant('swap-target' as const), path }),
  fc.constant({ do: 'repair' as const }),
  fc.constant({ do: 'refresh' as const }),
  { weight: 4, arbitrary: fc.record({ do: fc.constant('download' as const), path }) },
);

/** The world: what the honest publisher signed, and what is served of it. */
class World {
  readonly bench: TufBench;
  readonly repo: TufRepository;
  /** Contents that a chain of delegation has signed for a path, ever. */
  readonly signed = new Map<string, Set<string>>(PATHS.map((name) => [name, new Set<string>()]));
  /** What was released last, by path. */
  readonly newest = new Map<string, string>();
  readonly #history: Map<string, Buffer>[] = [];
  readonly #roots = new Map<string, Buffer>();
  /** Rotations of timestamp or snapshot that a host may have seen, each a leave for versions to go down. */
  rotations = 0;

  constructor(bench: TufBench) {
    this.bench = bench;
    this.repo = bench.repo;
    for (const name of ['a', 'b'] as const) this.repo.delegate('targets', { name, paths: [`${name}/*`] });
    for (const name of PATHS) this.release(name, `first ${name}`);
  }

  #owner(name: string): 'targets' | 'a' | 'b' {
    return name === 'top' ? 'targets' : name.startsWith('a/') ? 'a' : 'b';
  }

  release(name: (typeof PATHS)[number], content: string): void {
    this.repo.addTarget(this.#owner(name), name, content);
    // What the other role says of the path is no statement at all.
    this.repo.addTarget(name.startsWith('a/') ? 'b' : 'a', name, `usurped ${content}`);
    this.signed.get(name)!.add(content);
    this.newest.set(name, content);
    this.honest();
  }

  /** The publisher puts everything right: new versions of all, signed and valid. */
  honest(): void {
    for (const name of ROLES) this.repo.json(name).expires = inDays(30);
    this.repo.publish('root', 'a', 'b', 'targets', 'snapshot', 'timestamp');
    this.#keepRoots();
    this.#history.push(new Map(this.repo.files));
  }

  #keepRoots(): void {
    const file = `metadata/${this.repo.root.version}.root.json`;
    this.#roots.set(file, this.repo.files.get(file)!);
  }

  /** The owner takes the archive back: every root is there again, the online keys are new, everything is signed anew. */
  async recover(): Promise<void> {
    for (const [file, bytes] of this.#roots) this.repo.files.set(file, bytes);
    for (const name of ['timestamp', 'snapshot'] as const) this.repo.rotate(name);
    this.rotations += 1;
    for (const [name, content] of this.newest) this.release(name as (typeof PATHS)[number], content);
    for (const [name, content] of this.newest) {
      await this.#visit(name as (typeof PATHS)[number]);
      assert.equal(this.bench.said, '');
      assert.equal((await this.bench.downloads())[percent(name)], content);
    }
  }

  async make(step: Move): Promise<void> {
    const { repo } = this;
    switch (step.do) {
      case 'publish':
        repo.publish(step.role);
        return step.role === 'root' ? this.#keepRoots() : undefined;
      case 'release':
        return this.release(step.path, step.content);
      case 'repair':
        return this.honest();
      case 'rotate':
        return this.#rotate(step.role);
      case 'rotate-delegate': {
        const key = new TestKey();
        const { delegations } = repo.targets;
        delegations!.keys[key.keyid] = key.json;
        for (const delegated of delegations!.roles!) if (delegated.name === step.role) delegated.keyids = [key.keyid];
        repo.signers.set(step.role, [key]);
        return this.honest();
      }
      case 'roll-back': {
        // A mirror serves an older state, and of the new roots none.
        const old = this.#history[step.to % this.#history.length]!;
        repo.files.clear();
        for (const [name, bytes] of old) repo.files.set(name, bytes);
        return;
      }
      case 'lower': {
        // A thief of the online keys signs an older version, with all that follows from it.
        repo.json(step.role).version = Math.max(0, repo.json(step.role).version - 2);
        return repo.publish(step.role, 'snapshot', 'timestamp');
      }
      case 'drop-signature':
        return this.#serveNext(step.role, []);
      case 'stranger':
        return this.#serveNext(step.role, [new TestKey()]);
      case 'expire':
        repo.json(step.role).expires = inDays(-1);
        repo.publish(step.role, ...(step.role === 'root' ? [] : ['snapshot', 'timestamp']));
        return step.role === 'root' ? this.#keepRoots() : undefined;
      case 'hide':
        for (const name of repo.files.keys()) if (name.endsWith(`${step.role}.json`)) repo.files.delete(name);
        return;
      case 'swap-target':
        for (const name of repo.files.keys())
          if (name.endsWith(step.path.split('/').at(-1)!)) repo.files.set(name, Buffer.from('swapped'));
        return;
      case 'refresh':
      case 'download':
        return this.#visit(step.do === 'download' ? step.path : null);
    }
  }

  #rotate(name: 'root' | 'timestamp' | 'snapshot' | 'targets'): void {
    const before = this.repo.signers.get(name)!;
    this.repo.rotate(name);
    if (name === 'timestamp' || name === 'snapshot') this.rotations += 1;
    // A root is signed by the keys before it, too.
    if (name === 'root') this.repo.signers.set('root', [...this.repo.signers.get('root')!, ...before]);
    this.honest();
  }

  #serveNext(name: Role, signers: readonly TestKey[]): void {
    this.repo.json(name).version += 1;
    this.repo.serve(name, this.repo.envelope(name, [...signers]));
    if (name === 'root') this.repo.json(name).version -= 1;
    if (name !== 'root' && name !== 'timestamp')
      this.repo.publish(...(name === 'snapshot' ? [] : ['snapshot']), 'timestamp');
  }

  async #visit(name: (typeof PATHS)[number] | null): Promise<void> {
    const before = await this.bench.trusted();
    const rotations = this.rotations;
    const code = name === null ? await this.bench.refresh() : await this.bench.download(name);
    const after = await this.bench.trusted();
    this.#judge(before, after, rotations);
    if (code !== 0)
      assert.match(this.bench.code ?? this.bench.said, /^(archive-offline|metadata-[a-z]+|target-[a-z]+)$/);
    for (const [file, content] of Object.entries(await this.bench.downloads())) {
      const known = PATHS.find((one) => percent(one) === file)!;
      assert.ok(this.signed.get(known)!.has(content), `${known}: "${content}" was never signed for it`);
    }
  }

  readonly #seen: Record<string, number> = {};
  #rotationsSeen = 0;

  /** Nothing goes down: the root never, the others only in an update that took a root with rotated keys. */
  #judge(before: Record<string, number>, after: Record<string, number>, rotations: number): void {
    assert.ok(after['root']! >= before['root']!, 'the root went down');
    const excused = after['root']! > before['root']! && rotations > this.#rotationsSeen;
    if (excused) {
      this.#rotationsSeen = rotations;
      for (const name of Object.keys(this.#seen)) delete this.#seen[name];
    }
    for (const [name, version] of Object.entries(after)) {
      assert.ok(version >= (this.#seen[name] ?? 0), `${name} went from ${this.#seen[name]} to ${version}`);
      this.#seen[name] = version;
    }
  }
}

test('whatever a repository and its thieves do, versions only rise and only what was signed is got', async () => {
  const reached = { good: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 4, maxLength: 24 }), async (moves) => {
      await using bench = await TufBench.start();
      const world = new World(bench);
      for (const step of moves) {
        await world.make(step);
        if (step.do === 'refresh' || step.do === 'download') reached[bench.said === '' ? 'good' : 'refused'] += 1;
      }
      await world.recover();
    }),
    { numRuns: 60 },
  );
  assert.ok(reached.good > 30 && reached.refused > 30, JSON.stringify(reached));
});
