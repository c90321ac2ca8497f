import { join } from 'node:path';
import { type ArchivePlace, initArchive, publishLivepatch } from '#archive';
import {
  type CveId,
  type GateRecord,
  indexPath,
  type LivepatchRecipe,
  type PatchedFunction,
  type Release,
  type ReleaseApproval,
  type ReleaseIndex,
} from '#domain';
import { type Clock, sha256, systemClock } from '#host';
import { loadSigner } from '../src/archive/keys.ts';
import { addTargets, readTarget } from '../src/archive/repository.ts';

export const BUILD_ID = 'c915b3da96198004e546bdae77fc20a81b2bc005';
export const RELEASE = '6.1.170-test';

/** A clock that stands somewhere else than now. */
export function clockAt(offsetMs: number): Clock {
  return { ...systemClock, now: () => new Date(Date.now() + offsetMs) };
}

/** An empty archive with keys of its own below `home`. */
export async function newArchive(home: string, clock: Clock = systemClock): Promise<ArchivePlace> {
  const place = { directory: join(home, 'archive'), keys: join(home, 'keys'), clock };
  await initArchive(place);
  return place;
}

export interface Bundle {
  readonly module: Buffer;
  readonly moduleName: string;
  readonly patch: Buffer;
  readonly recipe: LivepatchRecipe;
  readonly gate: GateRecord;
  readonly approval: ReleaseApproval;
  readonly attestations: readonly { readonly name: string; readonly content: Buffer }[];
}

/** A module of a kernel, as an engine built it. */
export interface BuiltModule {
  readonly name: string;
  readonly module: Buffer;
  readonly buildId: string;
  readonly kernelRelease: string;
  readonly cves: readonly CveId[];
  readonly functions: readonly PatchedFunction[];
}

/** What is published of one livepatch: any bytes, with a recipe and a gate record that are of them. */
export function bundle(name: string, buildId: string = BUILD_ID): Bundle {
  const module = Buffer.from(`module ${name}`.repeat(100));
  const functions = [{ object: 'vmlinux', name: 'sample' }];
  return bundleOf({ name, module, buildId, kernelRelease: RELEASE, cves: ['CVE-2026-10001'], functions });
}

export function bundleOf({ name, module, buildId, kernelRelease, cves, functions }: BuiltModule): Bundle {
  const patch = Buffer.from(`patch ${name}`);
  const recipe: LivepatchRecipe = {
    engine: 'kpatch',
    engineVersion: 'kpatch-build 0',
    compiler: 'gcc',
    buildId,
    kernelRelease,
    cves,
    fixCommits: [],
    patchSha256: sha256(patch),
    functions,
  };
  const gate: GateRecord = {
    version: 2,
    moduleName: name,
    moduleSha256: sha256(module),
    patchSha256: sha256(patch),
    buildId,
    kernelRelease,
    engine: 'kpatch',
    startedAt: '2026-11-03T09:00:00.000Z',
    seconds: 1,
    bootSeconds: 0,
    machine: 'none',
    checks: [{ name: 'looked at', part: 'machine', outcome: 'passed', detail: '' }],
    passed: true,
    functions: [{ object: 'vmlinux', name: 'sample', hits: 1 }],
    reproducer: null,
    signature: null,
    moduleBytes: module.length,
    kernelLog: '',
  };
  const approval = { needed: 1 as const, reviewers: ['jane'] };
  const attestations = [{ name: 'gate.dsse.json', content: Buffer.from('{}\n') }];
  return { module, moduleName: name, patch, recipe, gate, approval, attestations };
}

export async function publishOne(place: ArchivePlace, name: string, buildId: string = BUILD_ID): Promise<Release> {
  return publishLivepatch(place, bundle(name, buildId));
}

/** Recalls a release in the signed index of its kernel. */
export async function recallOne(
  place: ArchivePlace,
  number: number,
  reason: string,
  buildId: string = BUILD_ID,
): Promise<void> {
  const path = indexPath(buildId);
  const index = JSON.parse((await readTarget(place.directory, path))!.toString('utf8')) as ReleaseIndex;
  const recalls = [...(index.recalls ?? []), { number, reason, at: place.clock.now().toISOString(), by: 'jane' }];
  const content = Buffer.from(JSON.stringify({ ...index, recalls }));
  const signers = {
    targets: await loadSigner(place.keys, 'targets'),
    modules: await loadSigner(place.keys, 'modules'),
    snapshot: await loadSigner(place.keys, 'snapshot'),
    timestamp: await loadSigner(place.keys, 'timestamp'),
  };
  await addTargets(place.directory, [{ path, content }], signers, place.clock.now());
}
