import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { FEATURES, features, type ScorableText } from './features.ts';

/** `severity-model.json`, as `bench/severity-model.ts` writes it: what it is, how it was made, how good it is, the numbers. */
export interface ModelFile {
  readonly name: string;
  readonly predicts: string;
  readonly command: string;
  readonly limits: readonly string[];
  readonly figures: unknown;
  readonly bias: number;
  /** Value of one step of the quantised arrays. */
  readonly weightStep: number;
  readonly rarityStep: number;
  /** Deflated, base64: a signed byte per bucket. */
  readonly weights: string;
  /** Deflated, base64: an unsigned byte per bucket; 0 = the bucket is not used. */
  readonly rarities: string;
}

/** A linear model over hashed features; `rarities` is the inverse document frequency of each bucket. */
export interface SeverityModel {
  readonly name: string;
  readonly bias: number;
  readonly weights: Float32Array;
  readonly rarities: Float32Array;
}

/** Probability, 0 to 1, that the kernel CNA would score this CVE HIGH or above. A prediction: never shown as a score. */
export function predictHigh(model: SeverityModel, text: ScorableText): number {
  return 1 / (1 + Math.exp(-logit(model, features(text))));
}

/** The model's linear part, for buckets of `features`. */
export function logit({ bias, weights, rarities }: SeverityModel, buckets: Uint32Array): number {
  let sum = 0;
  let square = 0;
  for (const bucket of buckets) {
    const rarity = rarities[bucket]!;
    sum += weights[bucket]! * rarity;
    square += rarity * rarity;
  }
  return bias + (square === 0 ? 0 : sum / Math.sqrt(square));
}

export function readModel(file: ModelFile): SeverityModel {
  const weights = new Int8Array(inflateSync(Buffer.from(file.weights, 'base64')));
  const rarities = new Uint8Array(inflateSync(Buffer.from(file.rarities, 'base64')));
  if (weights.length !== FEATURES || rarities.length !== FEATURES)
    throw new TypeError(`${file.name} is not a model of ${FEATURES} features`);
  return {
    name: file.name,
    bias: file.bias,
    weights: Float32Array.from(weights, (step) => step * file.weightStep),
    rarities: Float32Array.from(rarities, (step) => step * file.rarityStep),
  };
}

export const MODEL_FILE = join(import.meta.dirname, 'severity-model.json');

let shipped: SeverityModel | undefined;

/** The model that comes with TuxTape; read once. */
export function shippedModel(): SeverityModel {
  shipped ??= readModel(JSON.parse(readFileSync(MODEL_FILE, 'utf8')) as ModelFile);
  return shipped;
}
