/** What a proof sees: livepatches that are sound, that break the machine, and that a kernel refuses for their signature. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { exerciseOf, type GateRecord } from '#domain';
import { run } from '#host';
import { treeLayout } from '#kernel';
import { cacheRoot } from './prepare/cache.ts';
import { type Cli, cliIn, failing } from './prepare/cli.ts';
import { type BuiltKernel, builtKernel, source61, sourceOr } from './prepare/kernels.ts';

const PATCHES = join(import.meta.dirname, 'patches');
/** The proof of one livepatch in a boot of its own, where nothing else keeps the machine busy, takes 10 s. */
const SLOWEST_S = 120;

const cache = cacheRoot();
const toolchain = join(cache, 'toolchain/trixie');
let data: string;
let tuxtape: Cli;

before(async () => {
  data = await mkdtemp(join(tmpdir(), 'tuxtape-e2e-'));
  tuxtape = cliIn(data, join(cache, 'kernels'));
});
after(() => rm(data, { recursive: true, force: true }));

interface Livepatch {
  readonly id: string;
  readonly directory: string;
  readonly moduleSha256: string;
  readonly gate: GateRecord | null;
}

async function build(kernel: BuiltKernel, patch: string): Promise<Livepatch> {
  const words = ['--kernel', kernel.name, '--patch', join(PATCHES, patch)];
  return ((await tuxtape('livepatch', 'build', ...words)) as { livepatch: Livepatch }).livepatch;
}

async function gateOf({ id }: Livepatch): Promise<GateRecord> {
  const { gate } = (await tuxtape('livepatch', 'show', id)) as Livepatch;
  assert.ok(gate !== null);
  return gate;
}

function outcomeOf(gate: GateRecord, name: string): string | undefined {
  return gate.checks.find((check) => check.name === name)?.outcome;
}

function failuresOf(gate: GateRecord): string[] {
  return gate.checks.filter(({ outcome }) => outcome === 'failed').map(({ name, detail }) => `${name}: ${detail}`);
}

const kernels = new Map<string, BuiltKernel>();

async function kernelOr(t: TestContext, name: 'server' | 'signed'): Promise<BuiltKernel | undefined> {
  const known = kernels.get(name);
  if (known !== undefined) return known;
  await tuxtape('toolchain', 'make', toolchain);
  const source = await sourceOr(t, () => source61(cache));
  if (source === undefined) return undefined;
  const kernel = await builtKernel(tuxtape, cache, name, source, toolchain);
  kernels.set(name, kernel);
  return kernel;
}

test('one boot proves several; what breaks the machine is named, and the others keep their verdicts', async (t) => {
  const kernel = await kernelOr(t, 'server');
  if (kernel === undefined) return;
  const oops = await build(kernel, '6.1-oops.patch');
  const panic = await build(kernel, '6.1-panic.patch');
  const dummy = await build(kernel, '6.1-dummy.patch');
  const good = await build(kernel, '6.1-cmdline.patch');
  // The one that is never hit comes behind one that is, in the same machine: no count of the first may be left in it.
  await assert.rejects(tuxtape('livepatch', 'verify', oops.id, panic.id, good.id, dummy.id), { exitCode: 71 });

  const broken = await gateOf(oops);
  assert.equal(broken.passed, false);
  assert.match(failuresOf(broken).join('\n'), /NULL pointer dereference in cmdline_proc_show \(blame: instruction/);
  const dead = await gateOf(panic);
  assert.equal(dead.passed, false);
  assert.match(failuresOf(dead).join('\n'), /the machine died[^]*a livepatch that ends the machine/);

  const late = await gateOf(dummy);
  assert.deepEqual(failuresOf(late), []);
  assert.equal(outcomeOf(late, 'its target modules load after it'), 'passed');
  assert.equal(outcomeOf(late, 'every object is patched'), 'passed');
  assert.equal(exerciseOf(late.functions), 'not exercised');
  // Linux before 6.4 cannot load a target module a second time; a kernel that can must show it patched.
  assert.ok(['warned', 'passed'].includes(outcomeOf(late, 'its target modules leave and come back') ?? 'none'));

  const sound = await gateOf(good);
  assert.deepEqual(failuresOf(sound), []);
  assert.equal(exerciseOf(sound.functions), 'exercised');
  assert.equal(outcomeOf(sound, 'the functions that the fix names are replaced'), 'passed');
  assert.equal(outcomeOf(sound, 'the next version replaces it'), 'passed');
  assert.ok(sound.seconds < SLOWEST_S);
  console.log(
    `  ${sound.seconds} s in a machine that was up, ${broken.seconds} s with its boot (${broken.bootSeconds} s)`,
  );
});

test('a reproducer fails before and passes after, or the gate does not open', async (t) => {
  const kernel = await kernelOr(t, 'server');
  if (kernel === undefined) return;
  const livepatch = await build(kernel, '6.1-cmdline.patch');
  const script = async (name: string, text: string): Promise<string> => {
    const path = join(data, name);
    await writeFile(path, `#!/bin/sh\n${text}\n`);
    return path;
  };
  const shows = await script('shows.sh', 'grep -q livepatched=yes /proc/cmdline');
  await tuxtape('livepatch', 'verify', livepatch.id, '--reproducer', shows);
  const { reproducer, passed } = await gateOf(livepatch);
  assert.equal(passed, true);
  assert.match(reproducer?.before ?? '', /^passed: exit code 1/);
  assert.match(reproducer?.after ?? '', /^passed/);

  const blind = await script('blind.sh', 'exit 0');
  await assert.rejects(tuxtape('livepatch', 'verify', livepatch.id, '--reproducer', blind), { exitCode: 71 });
  assert.match(failuresOf(await gateOf(livepatch)).join('\n'), /^the reproducer shows the bug without the livepatch/);
});

test('a kernel that enforces signatures takes the module that its key signed, and no other', async (t) => {
  const kernel = await kernelOr(t, 'signed');
  if (kernel === undefined) return;
  const livepatch = await build(kernel, '6.1-cmdline.patch');
  await assert.rejects(tuxtape('livepatch', 'verify', livepatch.id), { exitCode: 71 });
  assert.match(failuresOf(await gateOf(livepatch)).join('\n'), /^the livepatch loads: insmod: /);

  const foreign = { key: join(data, 'foreign.pem'), certificate: join(data, 'foreign.crt') };
  const words = ['-x509', '-nodes', '-newkey', 'rsa:2048', '-subj', '/CN=nobody', '-days', '2'];
  await run('openssl', ['req', ...words, '-keyout', foreign.key, '-out', foreign.certificate]);
  await sign(livepatch, foreign.key, foreign.certificate);
  await assert.rejects(tuxtape('livepatch', 'verify', livepatch.id), { exitCode: 71 });

  // The key that Kbuild made for the modules of this one kernel.
  const { build: tree } = treeLayout(kernel.treeDirectory);
  await sign(livepatch, join(tree, 'certs/signing_key.pem'), join(tree, 'certs/signing_key.x509'));
  await tuxtape('livepatch', 'verify', livepatch.id);
  const { passed, signature, moduleSha256 } = await gateOf(livepatch);
  assert.equal(passed, true);
  assert.match(signature?.signer ?? '', /CN=Build time autogenerated kernel key/);
  const shown = (await tuxtape('livepatch', 'show', livepatch.id)) as Livepatch;
  assert.equal(shown.moduleSha256, moduleSha256, 'the bytes that are signed are the ones proved');
  const text = await readFile(join(shown.directory, 'provenance.json'), 'utf8');
  const { subject } = JSON.parse(text) as { subject: { digest: { sha256: string } }[] };
  assert.equal(subject[0]?.digest.sha256, moduleSha256);
  const again = await failing(
    tuxtape(
      'livepatch',
      'sign',
      livepatch.id,
      '--key',
      foreign.key,
      '--certificate',
      join(tree, 'certs/signing_key.x509'),
    ),
  );
  assert.equal(again.error.code, 'signing-failed');
});

async function sign({ id }: Livepatch, key: string, certificate: string): Promise<void> {
  await tuxtape('livepatch', 'sign', id, '--key', key, '--certificate', certificate);
  const { gate } = (await tuxtape('livepatch', 'show', id)) as Livepatch;
  assert.equal(gate, null, 'what was proved before is proved no more');
}
