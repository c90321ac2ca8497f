/**
 * Trains and judges the model that predicts "the CNA will score this HIGH or above" for CVEs without a score.
 *
 *   node bench/severity-model.ts            judges it: random split, and by time (trained before 2026, tested after)
 *   node bench/severity-model.ts --write    and writes src/triage/severity-model/severity-model.json from all records
 *
 * Reads the two archives of ../shared/feeds. The text is that of the records, which hold no score in words (regenerated
 * mails do), and the date is that of the mail as sent. Baseline: always the share of scored CVEs, AUC 0.5.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { isCveId } from '#domain';
import { listVulns, readRecords } from '#feed';
import { Git, run } from '#host';
import { features, logit, MODEL_FILE, type ModelFile, readModel, type SeverityModel } from '#triage';
import { shared } from '../testkit/shared.ts';
import { machine, withFolder } from './measure.ts';
import { type Example, fit } from './severity-model/fit.ts';
import { type Figures, figuresOf, type Judged } from './severity-model/judge.ts';

const YEAR_2026 = Date.UTC(2026, 0, 1) / 1000;
const HIGH = 7;
const COMMAND = 'node bench/severity-model.ts --write';
const LIMITS = [
  'Learned from what the kernel CNA scored, which is only what it takes for HIGH or CRITICAL: it says how likely a score is, not how severe a bug is.',
  'Before 2026-05 many CVEs were never looked at, so that "not scored" says little about older ones.',
  'It cannot order CVEs within HIGH, and it reads only text and paths: a terse description of a bad bug misleads it.',
  'Bugs that need physical access (USB, HID, sound) stand lower than attackers place them.',
];

const feeds = shared === undefined ? '' : join(shared, 'feeds');
if (!existsSync(feeds)) console.log('skipped: ../shared is not there');
else await withFolder(bench);

async function bench(folder: string): Promise<void> {
  console.log(`severity model, ${machine()}`);
  const examples = await readExamples(folder);
  const started = performance.now();
  const random = crossValidated(examples);
  const byTime = split('trained before 2026, tested after', examples, ({ announced }) => (announced ?? 0) < YEAR_2026);
  console.log(`both splits and their bootstraps: ${((performance.now() - started) / 1000).toFixed(1)} s`);
  const content = fileOf(examples, { random, byTime });
  const kept = readModel(content);
  console.log(`all records, as shipped (trained on them): AUC ${figuresOf(judge(kept, examples)).auc}`);
  if (!process.argv.includes('--write')) return;
  writeFileSync(MODEL_FILE, `${JSON.stringify(content, null, 2)}\n`);
  console.log(`written: ${JSON.stringify(content).length} bytes`);
}

async function readExamples(folder: string): Promise<Example[]> {
  for (const name of ['vulns.git.tar', 'linux-cve-announce.git.tar'])
    await run('tar', ['xf', join(feeds, name), '-C', folder]);
  const vulns = new Git(join(folder, 'vulns.git'));
  const announced = await announcementDates(new Git(join(folder, '0.git')));
  const entries = [...(await listVulns(vulns, (await vulns.head())!)).values()].filter(
    ({ state }) => state === 'published',
  );
  const examples: Example[] = [];
  for await (const item of readRecords(vulns, entries)) {
    if (item.kind === 'bad') continue;
    const { record, score } = item;
    examples.push({
      id: record.id,
      buckets: features(record),
      high: score !== null && score >= HIGH,
      announced: announced.get(record.id) ?? null,
    });
  }
  console.log(`${examples.length} records, ${examples.filter(({ high }) => high).length} scored HIGH or above`);
  return examples;
}

/** Author dates of the archive's commits are those of the mails; the subject names the CVE. */
async function announcementDates(lore: Git): Promise<Map<string, number>> {
  const dates = new Map<string, number>();
  for (const line of await lore.lines('log', '--format=%at %s')) {
    const [seconds = '', id = ''] = line.split(/[ :]+/);
    if (isCveId(id)) dates.set(id, Math.min(dates.get(id) ?? Number.POSITIVE_INFINITY, Number(seconds)));
  }
  return dates;
}

/** Each fifth, by hash of the id, judged by a model of the other four. */
function crossValidated(examples: readonly Example[]): Figures {
  const fifth = ({ id }: Example): number => hashOf(id) % 5;
  const judged = [0, 1, 2, 3, 4].flatMap((part) => {
    const model = fit(
      'fold',
      examples.filter((example) => fifth(example) !== part),
    );
    return judge(
      model,
      examples.filter((example) => fifth(example) === part),
    );
  });
  return reported('random split, five-fold: each fifth judged by a model of the rest', judged);
}

function split(name: string, examples: readonly Example[], trains: (example: Example) => boolean): Figures {
  const training = examples.filter(trains);
  const rest = examples.filter((example) => !trains(example));
  return reported(`${name} (${training.length} to learn from)`, judge(fit(name, training), rest));
}

function judge(model: SeverityModel, examples: readonly Example[]): Judged[] {
  return examples.map(({ buckets, high }) => ({ probability: sigmoid(logit(model, buckets)), high }));
}

function reported(name: string, judged: readonly Judged[]): Figures {
  const figures = figuresOf(judged);
  console.log(`${name}: ${figures.examples} judged, ${figures.high} of them HIGH`);
  console.log(
    `  AUC ${figures.auc}, 95 % bootstrap interval ${figures.interval.join(' to ')}; always the same answer: 0.5`,
  );
  for (const { from, examples: count, predicted, observed } of figures.calibration)
    console.log(
      `  said ${from.toFixed(1)}+: ${String(count).padStart(5)} CVEs, ${predicted.toFixed(2)} said, ${observed.toFixed(2)} seen`,
    );
  return figures;
}

function fileOf(examples: readonly Example[], figures: Record<string, Figures>): ModelFile {
  const model = fit('severity-1', examples);
  const { step: weightStep, bytes: weights } = quantise(model.weights, 127);
  const { step: rarityStep, bytes: rarities } = quantise(model.rarities, 255);
  return {
    name: model.name,
    predicts: 'the probability that the kernel CNA scores a CVE HIGH or above (CVSS v3.1 base score of 7.0 or more)',
    command: COMMAND,
    limits: LIMITS,
    figures: { records: examples.length, ...figures },
    bias: model.bias,
    weightStep,
    rarityStep,
    weights,
    rarities,
  };
}

function quantise(values: Float32Array, most: number): { step: number; bytes: string } {
  const step = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) / most;
  const bytes = Uint8Array.from(values, (value) => Math.round(value / step) & 0xff);
  return { step, bytes: deflateSync(bytes, { level: 9 }).toString('base64') };
}

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}

/** A number from an id, the same everywhere. */
function hashOf(id: string): number {
  let hash = 7;
  for (const letter of id) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) >>> 0;
  return hash;
}
