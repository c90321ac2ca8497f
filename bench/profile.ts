/**
 * Profiling built kernel trees, of the end-to-end proof's cache, and one of 14,000 objects made of the same command files.
 * Baseline: a node program that lists the same trees and reads the same bytes, and does nothing with them: command files, archives,
 * and of each object that a command file stands for its section table, symbols and names.
 * Both say their own seconds, from the first folder to the last byte, so that starting node is in neither.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheRoot } from '../test/e2e/prepare/cache.ts';
import { type Measured, machine, measure, report, withFolder } from './measure.ts';

const RUNS = 5;
const MANY = 14_000;
const DECODES = 20;

const BASELINE = `
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
const started = performance.now();
let bytes = 0;
const part = (file, size, at) => {
  const made = Buffer.allocUnsafe(size);
  bytes += readSync(file, made, 0, size, at);
  return made;
};
function readTables(path) {
  const file = openSync(path);
  const head = part(file, 64, 0);
  // The few objects of 32 bits are the boot code's.
  const wide = head[4] === 2;
  const sections = wide ? part(file, head.readUInt16LE(60) * 64, Number(head.readBigUInt64LE(40))) : head.subarray(64);
  for (let at = 0; at < sections.length; at += 64)
    if ([2, 3].includes(sections.readUInt32LE(at + 4)))
      part(file, Number(sections.readBigUInt64LE(at + 32)), Number(sections.readBigUInt64LE(at + 24)));
  closeSync(file);
}
for (const [i, root] of [...new Set(process.argv.slice(1))].entries()) {
  const folders = [''];
  const files = [];
  const objects = new Set();
  for (const folder of folders)
    for (const entry of readdirSync(root + '/' + folder, { withFileTypes: true })) {
      const path = folder + entry.name;
      if (entry.isDirectory()) folders.push(path + '/');
      else if (path.endsWith('.o')) objects.add(path);
      else if (/(?:^|\\/)lib\\.a$|^vmlinux\\.a$|\\.mod$/.test(path) || (/\\.cmd$/.test(path) && !/^tools\\/|\\.(?:mod|mod\\.o|ko|a|order|symvers)\\.cmd$/.test(path))) files.push(path);
    }
  if (i > 0) continue;
  for (const file of files) {
    bytes += readFileSync(root + '/' + file).length;
    const object = file.replace(/\\.([^/]*\\.o)\\.cmd$/, '$1');
    if (objects.has(object)) readTables(root + '/' + object);
  }
}
console.log((performance.now() - started) / 1000, 'listing and reading ' + bytes + ' bytes');
`;
const PROFILE = `
import { readProfile } from '#kernel';
const started = performance.now();
const profile = await readProfile(process.argv[1], process.argv[2]);
const seconds = (performance.now() - started) / 1000;
const functions = profile.functions.reduce((sum, list) => sum + list.length, 0);
console.log(seconds, profile.objects.length + ' objects, ' + profile.files.size + ' files, ' + functions + ' functions');
`;
const CODEC = `
import { decodeProfile, encodeProfile, readProfile } from '#kernel';
const bytes = encodeProfile(await readProfile(process.argv[1]));
const started = performance.now();
for (let i = 0; i < ${DECODES}; i += 1) decodeProfile(bytes, 'bench').files.get('include/linux/skbuff.h');
console.log((performance.now() - started) / 1000 / ${DECODES}, bytes.length + ' bytes stored');
`;

interface Said extends Measured {
  readonly what: string;
}

/** Runs a program that prints its own seconds; the middle one of several runs. */
async function said(script: string, args: readonly string[], runs = RUNS): Promise<Said> {
  const all: Said[] = [];
  for (let i = 0; i < runs; i += 1) {
    const measured = await measure('node', ['--input-type=module', '-e', script, ...args]);
    const [seconds, ...words] = measured.stdout.trim().split(' ');
    all.push({ ...measured, seconds: Number(seconds), what: words.join(' ') });
  }
  return all.toSorted((a, b) => a.seconds - b.seconds)[runs >> 1]!;
}

async function compare(build: string, source: string): Promise<void> {
  const baseline = await said(BASELINE, [build, source]);
  report(`baseline, ${baseline.what}`, baseline);
  const profile = await said(PROFILE, [build, source]);
  report(`profile: ${profile.what}`, profile, { name: 'baseline', seconds: baseline.seconds });
}

/** The command files of the compiled objects of a build, again and again under other names, until there are enough. */
function multiply(build: string, folder: string): void {
  const paths = readdirSync(build, { recursive: true, encoding: 'utf8' }).filter(
    (path) => /(?:^|\/)\.[^/]*\.o\.cmd$/.test(path) && !/^tools\/|\.mod\.o\.cmd$/.test(path),
  );
  let made = 0;
  for (let copy = 0; made < MANY; copy += 1)
    for (const path of paths) {
      const text = readFileSync(join(build, path), 'latin1');
      const target = /^(?:saved)?cmd_(\S+) := /.exec(text)?.[1];
      if (target === undefined || !text.includes('\nsource_') || made === MANY) continue;
      const place = join(folder, `copy${copy}`, path);
      mkdirSync(dirname(place), { recursive: true });
      writeFileSync(place, text.replaceAll(target, `copy${copy}/${target}`), 'latin1');
      made += 1;
    }
}

const trees = join(cacheRoot(), 'kernels');
const built = existsSync(trees)
  ? readdirSync(trees)
      .filter((name) => existsSync(join(trees, name, 'out')))
      .map((name) => join(trees, name, 'build'))
  : [];
console.log(`profile of a built tree, ${machine()}`);
if (built.length === 0) console.log('skipped: no kernel is built yet, run "make e2e"');
for (const tree of built) {
  console.log(tree.slice(trees.length + 1));
  await compare(tree, tree);
  const codec = await said(CODEC, [tree]);
  report(`decoding, ${codec.what}`, codec);
  await withFolder(async (folder) => {
    multiply(tree, folder);
    await compare(folder, tree);
  });
}
