import { parse } from 'smol-toml';
import { z } from 'zod';
import {
  isLabelName,
  MAX_RINGS,
  MAX_SECONDS,
  MAX_WINDOWS,
  messageOf,
  type Pace,
  type RolloutPolicy,
  WHOLE,
  weekdays,
  windowProblem,
} from '#domain';
import { RolloutError } from './error.ts';

export const MAX_POLICY_BYTES = 64 << 10;
const MAX_STEPS = 64;
const MAX_CAPS = 16;
const MAX_HOSTS = 1_000_000;
/** Failures are kept one by one. */
export const MAX_ERROR_HOSTS = 1_000;

const seconds = z.int().min(0).max(MAX_SECONDS);
const some = z.int().min(1).max(MAX_SECONDS);
const percent = z.number().multipleOf(0.01).min(0).max(100);
const label = z.string().refine(isLabelName, 'lower-case letters, digits, ".", "_" and "-"');

const step = z.strictObject({ percent: percent.min(0.01), soakSeconds: seconds });

const ring = z
  .strictObject({ name: label, steps: z.array(step).min(1).max(MAX_STEPS), control: percent.max(50).default(0) })
  .refine(({ steps }) => steps.at(-1)!.percent === 100, 'the last step of a ring is 100 percent')
  .refine(
    ({ steps }) => steps.every(({ percent: now }, at) => at === 0 || now > steps[at - 1]!.percent),
    'the steps of a ring rise',
  );

const cap = z.union([
  z.strictObject({ label, hosts: z.int().min(1).max(MAX_HOSTS) }),
  z.strictObject({ label, percent: percent.min(0.01) }),
]);

const window = z
  .strictObject({ days: z.array(z.enum(weekdays)), from: z.string(), until: z.string(), zone: z.string() })
  .superRefine((value, context) => {
    const why = windowProblem(value);
    if (why !== null) context.addIssue({ code: 'custom', message: why });
  });

const schema = z.strictObject({
  version: z.literal(1),
  rings: z
    .array(ring)
    .min(1)
    .max(MAX_RINGS)
    .refine((rings) => new Set(rings.map(({ name }) => name)).size === rings.length, 'each ring is named once'),
  thresholds: z.strictObject({
    success: percent.min(50),
    errorHosts: z.int().min(1).max(MAX_ERROR_HOSTS),
    errorPercent: percent.min(0.01),
    sample: z.int().min(1).max(MAX_HOSTS),
    worsePercent: percent,
  }),
  caps: z.array(cap).max(MAX_CAPS).default([]),
  mostInFlight: z.int().min(1).max(MAX_HOSTS).nullable().default(null),
  windows: z.array(window).max(MAX_WINDOWS).default([]),
  watchSeconds: seconds,
  deadManSeconds: some,
  silentSeconds: some,
  patienceSeconds: some,
  startWithinSeconds: some,
  onHalt: z.enum(['finish', 'revert']).default('finish'),
});

/**
 * Reads a policy: TOML, as people write it, or a value from elsewhere. Nothing that is not known is passed over.
 * Errors: policy-invalid, naming every field that is wrong.
 */
export function readPolicy(source: string | object, where: string): RolloutPolicy {
  const found = schema.safeParse(typeof source === 'string' ? fromToml(source, where) : source);
  if (found.success) return found.data;
  const faults = found.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new RolloutError('policy-invalid', 'input', {
    what: `this is no rollout policy: ${faults.join('; ')}`,
    where,
    remedy: 'docs/reference/rollout.md lists what stands in one',
  });
}

function fromToml(text: string, where: string): unknown {
  try {
    if (text.length > MAX_POLICY_BYTES) throw new TypeError(`it has more than ${MAX_POLICY_BYTES} characters`);
    return parse(text);
  } catch (error) {
    throw new RolloutError('policy-invalid', 'input', {
      what: `the policy cannot be read: ${messageOf(error).split('\n')[0]}`,
      where,
      remedy: 'write it as TOML',
      cause: error,
    });
  }
}

/** Where a policy is quicker than the floors, in sentences: it then runs at the floors, which people must know. */
export function belowFloors({ rings }: RolloutPolicy, { leastSoakSeconds, largestShare }: Pace): string[] {
  return rings.flatMap(({ name, steps }) =>
    steps.flatMap(({ percent: now, soakSeconds }, at) => {
      const grows = Math.round((now - (steps[at - 1]?.percent ?? 0)) * 100);
      return [
        ...(soakSeconds < leastSoakSeconds
          ? [`ring ${name}, ${now} %: soak ${soakSeconds} s, the floor is ${leastSoakSeconds} s`]
          : []),
        ...(grows > largestShare
          ? [`ring ${name}, ${now} %: adds ${grows / 100} %, the floor is ${(largestShare / WHOLE) * 100} % a step`]
          : []),
      ];
    }),
  );
}
