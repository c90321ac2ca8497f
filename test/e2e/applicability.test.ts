/**
 * The ladder against an oracle that is not our code: plain `patch`, `make` and `objdump` say which of the given fixes
 * change an object of the kernel; none of those may be dismissed by any rung.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import type { CveId, Evidence, Toolchain, Verdict } from '#domain';
import { cacheRoot } from './prepare/cache.ts';
import { type Cli, cliIn } from './prepare/cli.ts';
import { cloudConfig } from './prepare/cloud.ts';
import { builtKernel, source61, sourceOr } from './prepare/kernels.ts';
import { Oracle } from './prepare/oracle.ts';
import { sharedFeeds, sharedFixes } from './prepare/shared.ts';

const fixes = sharedFixes();
const skip =
  process.env['E2E_FULL'] === undefined
    ? 'only in the long proof'
    : fixes === undefined && '../shared is not there: no fixes';

const cache = cacheRoot();
const toolchain = join(cache, 'toolchain/trixie');
let data: string;
let tuxtape: Cli;

before(async () => {
  data = await mkdtemp(join(tmpdir(), 'tuxtape-e2e-'));
  tuxtape = cliIn(data, join(cache, 'kernels'));
});
after(() => rm(data, { recursive: true, force: true }));

interface Kernel {
  readonly name: string;
  readonly treeDirectory: string;
  readonly toolchain: Toolchain;
}

test('no CVE whose fix changes an object of our kernel is dismissed by any rung', { skip }, async (t) => {
  const source = await exactSource(t);
  if (source === undefined) return;
  await holds(await builtKernel(tuxtape, cache, 'server', source, toolchain), false);
});

test("nor one that changes an object of Debian's cloud configuration, known only by prediction", {
  skip,
}, async (t) => {
  const source = await exactSource(t);
  if (source === undefined) return;
  const words = ['--config', await cloudConfig(cache), '--source', source.directory, '--chroot', toolchain];
  await tuxtape('kernel', 'import', 'cloud', ...words, '--accept-config-changes');
  await holds((await tuxtape('kernel', 'show', 'cloud')) as Kernel, true);
});

/** The source that the given fixes are for, with a toolchain and all CVEs read; undefined, and the test skipped, without it. */
async function exactSource(t: TestContext): ReturnType<typeof sourceOr> {
  const source = await sourceOr(t, () => source61(cache));
  if (!source?.version.startsWith('6.1.170')) {
    t.skip('the exact kernel source is not there');
    return undefined;
  }
  await tuxtape('toolchain', 'make', toolchain);
  const feeds = (await sharedFeeds(cache))!;
  await tuxtape('feed', 'sync', '--lore', feeds.lore, '--vulns', feeds.vulns);
  return source;
}

/** Proves every given fix, asks the oracle about each, prints how the two compare, and allows no dismissal it contradicts. */
async function holds(kernel: Kernel, partly: boolean): Promise<void> {
  const given = JSON.parse(await readFile(join(fixes!, 'index.json'), 'utf8')) as { cve: CveId; fixCommit: string }[];
  const cves = [...new Set(given.map(({ cve }) => cve))];
  await tuxtape('triage', '--kernel', kernel.name, 'prove', ...cves, '--fixes', fixes!);
  const exported = (await tuxtape('triage', '--kernel', kernel.name, 'export', '--format', 'json')) as {
    verdicts: Verdict[];
  };
  const verdicts = new Map(exported.verdicts.map((verdict) => [verdict.cve, verdict]));
  const counts = new Map<string, number>();
  const wrong: string[] = [];
  await using oracle = await Oracle.on(kernel, partly);
  for (const { cve, fixCommit } of given) {
    const word = await oracle.changes(await readFile(join(fixes!, `${fixCommit}.patch`), 'utf8'));
    const verdict = verdicts.get(cve)!;
    const key = `oracle: ${word}, verdict: ${verdict.status} by ${decided(verdict.evidence)}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    const isDismissed = verdict.status === 'not_affected' || verdict.status === 'fixed';
    if (word !== 'nothing changes' && isDismissed) wrong.push(`${cve} ${fixCommit}: ${word}`);
    disagreement(cve, verdict);
  }
  for (const [key, count] of [...counts].toSorted(([a], [b]) => a.localeCompare(b))) console.log(`  ${count} ${key}`);
  assert.deepEqual(wrong, []);
}

function decided(evidence: readonly Evidence[]): string {
  return evidence.findLast(({ outcome }) => outcome !== 'inconclusive')?.rung ?? 'none';
}

/** Where the file rung says compiled and compilation says nothing changes, or cannot say. */
function disagreement(cve: CveId, { evidence }: Verdict): void {
  const build = evidence.find(({ rung }) => rung === 'build');
  const object = evidence.find(({ rung }) => rung === 'object');
  if (build?.outcome !== 'supports' || object === undefined || object.outcome === 'supports') return;
  console.log(`  ${cve}: ${build.sentence.slice(0, 120)} | ${object.sentence.slice(0, 200)}`);
}
