/** Positions are 48 bits of a sha256: whole numbers that JSON and doubles keep, and that two hosts of a fleet hardly share. */
export const POSITIONS = 2 ** 48;

/** Shares are whole hundredths of a percent: 10,000 is all. */
export const WHOLE = 10_000;

const HOST_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

/** An id of a host: a name that is one word of a log and of a file name, and whose bytes are its characters. */
export function isHostId(text: string): boolean {
  return HOST_ID.test(text);
}

/**
 * Where a host stands in the rollout of a module, 0 to POSITIONS-1: the first 48 bits of sha256("MODULE\nHOST"). Host and server
 * compute the same. The salt is the module's sha256, not an id that whoever runs rollouts makes up: they cannot choose who goes
 * first, a second rollout of one release keeps its order, and the next release has another.
 */
export function positionOf(moduleSha256: string, host: string): number {
  const [high, low] = sha256Head(`${moduleSha256}\n${host}`);
  return high * 0x1_0000 + (low >>> 16);
}

/** The first position that is not in a share of all hosts. */
export function boundOf(share: number): number {
  return Math.floor((Math.min(Math.max(share, 0), WHOLE) / WHOLE) * POSITIONS);
}

/** Runs of positions `[from, to)`, in order, none touching the next. */
export type Spans = readonly (readonly [from: number, to: number])[];

/** Binary search: is this position in one of the spans? */
export function isWithin(spans: Spans, position: number): boolean {
  let low = 0;
  let high = spans.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const [from, to] = spans[middle]!;
    if (position < from) high = middle - 1;
    else if (position >= to) low = middle + 1;
    else return true;
  }
  return false;
}

/** FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const K = Uint32Array.from(primes(64), (prime) => fraction(Math.cbrt(prime)));
/** FIPS 180-4, 5.3.3: the same of the square roots of the first 8 primes. */
const START = Uint32Array.from(primes(8), (prime) => fraction(Math.sqrt(prime)));

function primes(count: number): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n += 1) if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
}

function fraction(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32);
}

const schedule = new Uint32Array(64);

/** The first two words of the sha256 of a text of single bytes. Here, because the domain knows no machine and no library. */
function sha256Head(text: string): [number, number] {
  const blocks = ((text.length + 8) >>> 6) + 1;
  const words = new Uint32Array(blocks * 16);
  for (let i = 0; i < text.length; i += 1) words[i >>> 2]! |= (text.charCodeAt(i) & 0xff) << (24 - (i & 3) * 8);
  words[text.length >>> 2]! |= 0x80 << (24 - (text.length & 3) * 8);
  words[blocks * 16 - 1] = text.length * 8;
  const hash = START.slice();
  for (let block = 0; block < blocks; block += 1) compress(hash, words.subarray(block * 16, block * 16 + 16));
  return [hash[0]!, hash[1]!];
}

/** FIPS 180-4, 6.2.2, for one block. */
function compress(hash: Uint32Array, block: Uint32Array): void {
  const w = schedule;
  w.set(block);
  for (let t = 16; t < 64; t += 1) {
    const [x, y] = [w[t - 15]!, w[t - 2]!];
    const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    w[t] = w[t - 16]! + s0 + w[t - 7]! + s1;
  }
  let a = hash[0]!;
  let b = hash[1]!;
  let c = hash[2]!;
  let d = hash[3]!;
  let e = hash[4]!;
  let f = hash[5]!;
  let g = hash[6]!;
  let h = hash[7]!;
  for (let t = 0; t < 64; t += 1) {
    const one = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + K[t]! + w[t]!) | 0;
    const two = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  const next = [a, b, c, d, e, f, g, h];
  for (let i = 0; i < 8; i += 1) hash[i]! += next[i]!;
}

function rotate(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}
