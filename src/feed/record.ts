import * as z from 'zod/mini';
import {
  type CveId,
  type CveRecord,
  type CveState,
  MAX_FILES_PER_CVE,
  MAX_RANGES_PER_CVE,
  type Range,
  type RangeEnd,
} from '#domain';
import { scoreOf } from './cvss.ts';
import { FeedError } from './error.ts';

/** The parts of a CVE JSON 5.x record that are read (cve-schema, CVE_Record_Format); everything else is passed over. */
const recordSchema = z.object({
  // Records of 2024 and earlier spell it `cveID`.
  cveMetadata: z.union([
    z.object({ cveId: z.string() }),
    z.pipe(
      z.object({ cveID: z.string() }),
      z.transform(({ cveID }) => ({ cveId: cveID })),
    ),
  ]),
  containers: z.object({
    cna: z.object({
      title: z.optional(z.string()),
      descriptions: z.optional(z.array(z.object({ lang: z.string(), value: z.string() }))),
      affected: z.optional(z.array(z.object({ programFiles: z.optional(z.array(z.string())) }))),
      metrics: z.optional(
        z.array(
          z.object({
            cvssV3_1: z.optional(z.object({ vectorString: z.string() })),
            scenarios: z.optional(z.array(z.object({ lang: z.string(), value: z.string() }))),
          }),
        ),
      ),
      references: z.optional(z.array(z.object({ url: z.string() }))),
    }),
  }),
});

const MAX_RATIONALE = 20_000;
const MAX_REFERENCES = 500;

export interface RecordFiles {
  readonly json: Buffer;
  /** The `.dyad` file; undefined where there is none (90 rejected CVEs). */
  readonly dyad?: Buffer | undefined;
  /** The CNA's score: `<CNA> <vector>`, a blank line, the rationale; the record repeats it, sometimes later. */
  readonly cvss?: Buffer | undefined;
  /** Introducing commits set by hand, one a line. */
  readonly vulnerable?: Buffer | undefined;
  /** More references, one a line. */
  readonly reference?: Buffer | undefined;
}

export interface ParsedRecord {
  readonly record: CveRecord;
  /** CVSS base score, computed from the vector; null = not scored. */
  readonly score: number | null;
  /** A part that was not believed; the rest of the record is. */
  readonly doubt: FeedError | null;
}

/**
 * Reads one CVE of vulns.git. `state` is decided by the directory it lies in: the JSON of a rejected CVE still says
 * PUBLISHED. Errors: record-unreadable, dyad-unreadable; a vector that is none is
 * no score, and said in `doubt`.
 */
export function parseRecord(id: CveId, state: CveState, files: RecordFiles): ParsedRecord {
  const { cveMetadata, containers } = readJson(files.json);
  if (cveMetadata.cveId !== id)
    throw new FeedError('record-unreadable', 'untrusted', {
      what: `the record of ${id} names ${cveMetadata.cveId.slice(0, 40)}`,
    });
  const { cna } = containers;
  const stated = statedScore(cna.metrics ?? [], files.cvss);
  const { vector, score, doubt } = readScore(stated.vector);
  const text = cna.descriptions?.find(({ lang }) => lang.startsWith('en'))?.value ?? '';
  const record: CveRecord = {
    id,
    state,
    source: 'record',
    title: cna.title ?? '',
    description: text.replace(/^In the Linux kernel, the following vulnerability has been resolved:\s*/, ''),
    files: [...new Set((cna.affected ?? []).flatMap(({ programFiles }) => programFiles ?? []))].slice(
      0,
      MAX_FILES_PER_CVE,
    ),
    ranges: files.dyad === undefined ? [] : parseDyad(files.dyad.toString('utf8')),
    cvssVector: vector,
    rationale: vector === null ? null : stated.rationale,
    vulnerableCommits: linesOf(files.vulnerable).filter((line) => /^[0-9a-f]{7,40}$/.test(line)),
    references: [...new Set([...(cna.references ?? []).map(({ url }) => url), ...linesOf(files.reference)])]
      .filter((url) => url.startsWith('https://'))
      .slice(0, MAX_REFERENCES),
  };
  return { record, score, doubt: doubt ?? stated.doubt };
}

type Metric = NonNullable<z.infer<typeof recordSchema>['containers']['cna']['metrics']>[number];

interface StatedScore {
  readonly vector: string | null;
  readonly rationale: string | null;
  readonly doubt: FeedError | null;
}

/** The record's score, or that of the `.cvss` file where the record has none yet; two that differ are said. */
function statedScore(metrics: readonly Metric[], cvss: Buffer | undefined): StatedScore {
  const metric = metrics.find(({ cvssV3_1 }) => cvssV3_1 !== undefined);
  const inRecord = metric?.cvssV3_1?.vectorString ?? null;
  const [head = '', ...rest] = (cvss?.toString('utf8') ?? '').split('\n');
  const inFile = /^\S+ (CVSS:3\.1\/\S+)\s*$/.exec(head)?.[1] ?? null;
  const fromRecord = metric?.scenarios?.find(({ lang }) => lang.startsWith('en'))?.value ?? '';
  const rationale = (fromRecord === '' ? rest.join('\n') : fromRecord).trim().slice(0, MAX_RATIONALE);
  const doubt =
    inRecord === null || inFile === null || inRecord === inFile
      ? null
      : new FeedError('score-disagrees', 'untrusted', {
          what: `the record says ${inRecord.slice(0, 80)}, its .cvss file ${inFile.slice(0, 80)}; the record counts`,
        });
  return { vector: inRecord ?? inFile, rationale: rationale === '' ? null : rationale, doubt };
}

function linesOf(file: Buffer | undefined): string[] {
  const lines = (file?.toString('utf8') ?? '').split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

function readScore(vector: string | null): { vector: string | null; score: number | null; doubt: FeedError | null } {
  if (vector === null) return { vector, score: null, doubt: null };
  try {
    return { vector, score: scoreOf(vector), doubt: null };
  } catch (error) {
    if (error instanceof FeedError) return { vector: null, score: null, doubt: error };
    throw error;
  }
}

function readJson(bytes: Buffer): z.infer<typeof recordSchema> {
  try {
    return recordSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    const why =
      error instanceof z.core.$ZodError
        ? `${error.issues[0]?.path.join('.')}: ${error.issues[0]?.message}`
        : 'not JSON';
    throw new FeedError('record-unreadable', 'untrusted', { what: `not a CVE record (${why})`, cause: error });
  }
}

/** A line is `introduced version:commit:fixed version:commit`; `0` stands for "unknown" and "none" (vulns.git, tools/dyad). */
export function parseDyad(text: string): Range[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  if (lines.length > MAX_RANGES_PER_CVE)
    throw new FeedError('dyad-unreadable', 'untrusted', {
      what: `${lines.length} ranges, at most ${MAX_RANGES_PER_CVE} are read`,
    });
  return lines.map((line) => {
    const fields = line.trim().split(':');
    if (fields.length !== 4 || fields.some((field) => !/^[\w.+-]+$/.test(field))) {
      throw new FeedError('dyad-unreadable', 'untrusted', { what: `not a dyad line: "${line.slice(0, 100)}"` });
    }
    return { introduced: dyadEnd(fields[0]!, fields[1]!), fixed: dyadEnd(fields[2]!, fields[3]!) };
  });
}

function dyadEnd(version: string, commit: string): RangeEnd | null {
  return version === '0' ? null : { version, commit: /^[0-9a-f]{7,40}$/.test(commit) ? commit : null };
}
