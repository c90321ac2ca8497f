import { FEATURES, type SeverityModel } from '#triage';

/** One CVE: its buckets, and whether the CNA scored it HIGH or above. */
export interface Example {
  readonly id: string;
  readonly buckets: Uint32Array;
  readonly high: boolean;
  /** Date of the announcement, seconds; null for the one that was never announced. */
  readonly announced: number | null;
}

/** Chosen on the random split by hand; more rounds or larger steps fit the training texts by heart. */
const ROUNDS = 12;
const STEP = 0.05;
const RARE = 3;

/** Logistic regression by Adagrad over binary features, weighted by rarity and scaled to unit length. Deterministic. */
export function fit(name: string, examples: readonly Example[]): SeverityModel {
  const rarities = raritiesOf(examples);
  const norms = examples.map(
    ({ buckets }) => 1 / Math.sqrt(buckets.reduce((sum, b) => sum + rarities[b]! ** 2, 0) || 1),
  );
  const weights = new Float32Array(FEATURES);
  const seen = new Float32Array(FEATURES).fill(1e-6);
  let bias = 0;
  let biasSeen = 1e-6;
  const random = generator(1);
  const order = examples.map((_, index) => index);
  for (let round = 0; round < ROUNDS; round += 1) {
    shuffle(order, random);
    for (const index of order) {
      const { buckets, high } = examples[index]!;
      const norm = norms[index]!;
      let sum = bias;
      for (const bucket of buckets) sum += weights[bucket]! * rarities[bucket]! * norm;
      const error = 1 / (1 + Math.exp(-sum)) - (high ? 1 : 0);
      for (const bucket of buckets) {
        const gradient = error * rarities[bucket]! * norm;
        if (gradient === 0) continue;
        seen[bucket]! += gradient * gradient;
        weights[bucket]! -= (STEP * gradient) / Math.sqrt(seen[bucket]!);
      }
      biasSeen += error * error;
      bias -= (STEP * error) / Math.sqrt(biasSeen);
    }
  }
  return { name, bias, weights, rarities };
}

function raritiesOf(examples: readonly Example[]): Float32Array {
  const holders = new Uint32Array(FEATURES);
  for (const { buckets } of examples) for (const bucket of buckets) holders[bucket]! += 1;
  return Float32Array.from(holders, (count) => (count < RARE ? 0 : Math.log((examples.length + 1) / (count + 1))));
}

/** Numbers in [0, 1) from a seed (mulberry32): the same model from the same records, everywhere. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffle(order: number[], random: () => number): void {
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
}
