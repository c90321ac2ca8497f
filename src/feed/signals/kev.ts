import * as z from 'zod/mini';
import { isCveId, type Signal } from '#domain';
import { FeedError } from '../error.ts';
import {
  BadRows,
  type IsOurs,
  instant,
  isoDay,
  readSource,
  type SignalDoor,
  type SignalReading,
  unreadable,
} from './reading.ts';

const MAX_BYTES = 32 << 20;

/** CISA's "known_exploited_vulnerabilities.json" (its schema: kev-catalog, known_exploited_vulnerabilities_schema.json). */
const catalogSchema = z.object({
  dateReleased: z.string(),
  count: z.number(),
  vulnerabilities: z.array(z.unknown()),
});

const entrySchema = z.object({
  cveID: z.string(),
  vendorProject: z.optional(z.string()),
  product: z.optional(z.string()),
  vulnerabilityName: z.optional(z.string()),
  dateAdded: z.string(),
  dueDate: z.optional(z.string()),
  knownRansomwareCampaignUse: z.optional(z.string()),
});

/** Reads the catalog: ours, and whatever it files under Linux, Kernel. Errors: signal-unreadable, signal-truncated. */
export async function readKev(door: SignalDoor, address: string, isOurs: IsOurs): Promise<SignalReading> {
  return parseKev(await readSource(door, address, MAX_BYTES), address, isOurs);
}

export function parseKev(bytes: Buffer, address: string, isOurs: IsOurs): SignalReading {
  const catalog = parseCatalog(bytes, address);
  const { count, vulnerabilities } = catalog;
  if (count !== vulnerabilities.length)
    throw new FeedError('signal-truncated', 'untrusted', {
      what: `kev: the catalog says it has ${count} entries and holds ${vulnerabilities.length}`,
      where: address,
      remedy: 'what was read before is kept; try again later',
    });
  const signals: Signal[] = [];
  const bad = new BadRows('kev', address);
  for (const [index, row] of vulnerabilities.entries()) {
    const entry = entrySchema.safeParse(row);
    const added = entry.success ? isoDay(entry.data.dateAdded) : null;
    if (!entry.success || added === null || !isCveId(entry.data.cveID)) {
      const named = z.object({ cveID: z.string() }).safeParse(row);
      const item = `entry ${index} ${named.success ? named.data.cveID : ''}`.trim();
      bad.add(item, 'no CVE id and date in it');
      continue;
    }
    const { cveID, vendorProject, product, vulnerabilityName, dueDate, knownRansomwareCampaignUse } = entry.data;
    if (!isOurs(cveID) && !(vendorProject === 'Linux' && /kernel/i.test(product ?? ''))) continue;
    signals.push({
      cve: cveID,
      at: `${added}T00:00:00.000Z`,
      value: {
        source: 'kev',
        added,
        due: isoDay(dueDate),
        ransomware: knownRansomwareCampaignUse === 'Known',
        name: (vulnerabilityName ?? '').slice(0, 300),
      },
    });
  }
  return { signals, bad: bad.rows, whole: true, newest: instant(catalog.dateReleased), cursor: null };
}

function parseCatalog(bytes: Buffer, address: string): z.infer<typeof catalogSchema> {
  try {
    return catalogSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw unreadable('kev', address, 'this is not a KEV catalog', error);
  }
}
