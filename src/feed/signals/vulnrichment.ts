import * as z from 'zod/mini';
import { type CveId, isCveId, type Signal, type VulnrichmentSignal } from '#domain';
import { judgementsOf, weaknessesOf } from './judgements.ts';
import { BadRows, type IsOurs, instant, type SignalReading } from './reading.ts';
import { openTree, type TreeFile } from './tree.ts';

const MAX_BYTES = 4 << 20;

/** CISA's ADP container of a CVE record (CVE JSON 5.x, `containers.adp`; SSVC as cisagov/vulnrichment writes it). */
const adpSchema = z.object({
  title: z.optional(z.string()),
  providerMetadata: z.object({ shortName: z.optional(z.string()), dateUpdated: z.optional(z.string()) }),
  metrics: z.optional(
    z.array(
      z.object({
        cvssV3_1: z.optional(z.object({ vectorString: z.string() })),
        other: z.optional(z.object({ type: z.string(), content: z.unknown() })),
      }),
    ),
  ),
  problemTypes: z.optional(z.array(z.object({ descriptions: z.array(z.object({ cweId: z.optional(z.string()) })) }))),
});
const recordSchema = z.object({ containers: z.object({ adp: z.optional(z.array(z.unknown())) }) });
const ssvcSchema = z.object({ timestamp: z.optional(z.string()), options: z.array(z.record(z.string(), z.string())) });

/** One file of the tree, and what it says of its CVE; null = nothing (no CISA container). */
export interface VulnrichmentItem {
  readonly file: TreeFile;
  readonly cve: CveId;
  readonly signal: Signal<VulnrichmentSignal> | null;
}

/**
 * Reads the changed files of a Vulnrichment tree (`YEAR/NNNxxx/CVE-*.json`). `known` names the content read before, by
 * CVE. Errors: feed-unreachable.
 */
export async function readVulnrichment(
  path: string,
  isOurs: IsOurs,
  known: ReadonlyMap<CveId, string>,
): Promise<SignalReading & { readonly items: readonly VulnrichmentItem[] }> {
  const tree = await openTree(path, MAX_BYTES);
  const files = await tree.list((name) => isOurs(idOf(name) as CveId));
  const changed = files.filter(({ path: name, oid }) => known.get(idOf(name) as CveId) !== oid);
  const items: VulnrichmentItem[] = [];
  const bad = new BadRows('vulnrichment', path);
  let index = 0;
  for await (const bytes of tree.read(changed)) {
    const file = changed[index]!;
    index += 1;
    const cve = idOf(file.path) as CveId;
    const read = bytes === null ? 'the file is missing, too long, or none' : parseVulnrichment(cve, bytes);
    if (typeof read === 'string') bad.add(cve, read);
    else items.push({ file, cve, signal: read });
  }
  const signals = items.flatMap(({ signal }) => signal ?? []);
  return { items, signals, bad: bad.rows, whole: false, newest: tree.newest, cursor: null };
}

function idOf(path: string): string {
  const name = /(?:^|\/)(CVE-\d{4}-\d+)\.json$/.exec(path)?.[1] ?? '';
  return isCveId(name) ? name : '';
}

/** What CISA's container says, null when there is none, or why the file cannot be read. */
export function parseVulnrichment(cve: CveId, bytes: Buffer): Signal<VulnrichmentSignal> | null | string {
  let containers: readonly unknown[];
  try {
    containers = recordSchema.parse(JSON.parse(bytes.toString('utf8'))).containers.adp ?? [];
  } catch {
    return 'not a CVE record';
  }
  for (const container of containers) {
    const adp = adpSchema.safeParse(container);
    if (adp.success && adp.data.providerMetadata.shortName === 'CISA-ADP') return signalOf(cve, adp.data);
  }
  return null;
}

function signalOf(cve: CveId, adp: z.infer<typeof adpSchema>): Signal<VulnrichmentSignal> | string {
  const metrics = adp.metrics ?? [];
  const content = metrics.find(({ other }) => other?.type === 'ssvc')?.other?.content;
  const ssvc = content === undefined ? undefined : ssvcSchema.safeParse(content);
  if (ssvc?.success === false) return 'its SSVC metric is not understood';
  const options: Record<string, string> = Object.assign({}, ...(ssvc?.data.options ?? []));
  const { judgements } = judgementsOf(
    metrics.flatMap(({ cvssV3_1 }) => (cvssV3_1 ? [{ vector: cvssV3_1.vectorString, by: 'CISA-ADP' }] : [])),
  );
  const weaknesses = (adp.problemTypes ?? []).flatMap(({ descriptions }) =>
    descriptions.map(({ cweId }) => cweId ?? ''),
  );
  return {
    cve,
    at:
      instant(ssvc?.data.timestamp)?.toISOString() ?? instant(adp.providerMetadata.dateUpdated)?.toISOString() ?? null,
    value: {
      source: 'vulnrichment',
      exploitation: oneOf(options['Exploitation'], ['none', 'poc', 'active'] as const),
      automatable: options['Automatable'] === undefined ? null : options['Automatable'].toLowerCase() === 'yes',
      technicalImpact: oneOf(options['Technical Impact'], ['partial', 'total'] as const),
      judgements,
      weaknesses: weaknessesOf(weaknesses),
    },
  };
}

function oneOf<T extends string>(text: string | undefined, allowed: readonly T[]): T | null {
  return allowed.find((value) => value === text?.toLowerCase()) ?? null;
}
