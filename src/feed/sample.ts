import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CveState } from '#domain';
import { exists, Git, makeFolders, readLimited, run, sha256 } from '#host';
import { parseDyad } from './record.ts';

const FIXTURE = join(import.meta.dirname, '../../fixtures/sample-feed/cves.json');
const MAX_FIXTURE_BYTES = 4 << 20;
/** Time of every commit and mail of the sample: fixed, so that the same fixture gives the same repositories. */
const EPOCH_SECONDS = 1_780_000_000;

/** A CVE as the sample writes it: ids, files, versions, commits and vectors are facts, title and description are ours. */
export interface SampleCve {
  readonly id: string;
  readonly state: CveState;
  readonly title: string;
  readonly description: string;
  readonly files: readonly string[];
  /** Lines of a `.dyad` file. */
  readonly dyad: readonly string[];
  readonly cvss: string | null;
}

export async function readSample(): Promise<SampleCve[]> {
  return JSON.parse((await readLimited(FIXTURE, MAX_FIXTURE_BYTES)).toString('utf8')) as SampleCve[];
}

/**
 * Turns CVEs into the two repositories a feed is: a public-inbox v2 epoch with a mail each, and a vulns.git with record
 * and dyad. They are made whole below `directory`, once for each content. Returns their addresses.
 */
export async function buildSampleFeed(
  directory: string,
  cves?: readonly SampleCve[],
): Promise<{ lore: string; vulns: string }> {
  const list = cves ?? (await readSample());
  const home = join(directory, sha256(JSON.stringify(list)).slice(0, 16));
  const [lore, vulns] = [join(home, 'lore'), join(home, 'vulns.git')];
  if (await exists(home)) return { lore, vulns };
  const temporary = `${home}.part`;
  await rm(temporary, { recursive: true, force: true });
  await importStream(join(temporary, 'lore/0.git'), mailStream(list));
  await importStream(join(temporary, 'vulns.git'), vulnsStream(list));
  await rename(temporary, home);
  return { lore, vulns };
}

/** Makes a bare repository from a git-fast-import(1) stream. */
export async function importStream(directory: string, stream: string): Promise<void> {
  await makeFolders(directory);
  await run('git', ['init', '--quiet', '--bare', '--initial-branch=master', directory], { env: Git.environment() });
  await run('git', ['-C', directory, 'fast-import', '--quiet', '--force'], { env: Git.environment(), input: stream });
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}

function commit(number: number, subject: string): string {
  const who = `Linux CVE <cve@example.org> ${EPOCH_SECONDS + number} +0000`;
  return `commit refs/heads/master\nauthor ${who}\ncommitter ${who}\n${data(subject)}`;
}

function mailStream(cves: readonly SampleCve[]): string {
  return cves
    .map((cve, i) => `${commit(i, `${cve.id}: ${cve.title}`)}M 100644 inline m\n${data(sampleMail(cve, i))}`)
    .join('');
}

/** An announcement in the customary form, or the rejection. */
export function sampleMail(cve: SampleCve, number: number): string {
  const rejected = cve.state === 'rejected';
  const head = [
    'From: Greg Kroah-Hartman <gregkh@linuxfoundation.org>',
    'To: <linux-cve-announce@vger.kernel.org>',
    `Subject: ${rejected ? 'REJECTED: ' : ''}${cve.id}: ${cve.title}`,
    `Message-Id: <sample-${number}-${cve.id}@example.org>`,
    `Date: ${new Date((EPOCH_SECONDS + number) * 1000).toUTCString()}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=UTF-8',
    'Content-Transfer-Encoding: 8bit',
    '',
  ];
  const body = rejected ? [`${cve.id} has now been rejected and is no longer a valid CVE.`] : announcementBody(cve);
  return [...head, ...body, ''].join('\n');
}

function section(title: string, lines: readonly string[]): string[] {
  return [title, '='.repeat(title.length), '', ...lines, '', ''];
}

function announcementBody(cve: SampleCve): string[] {
  const ranges = parseDyad(cve.dyad.join('\n')).map(({ introduced, fixed }) => {
    const start = introduced && `Issue introduced in ${introduced.version} with commit ${introduced.commit}`;
    const end = fixed && `${start === null ? 'Fixed' : 'fixed'} in ${fixed.version} with commit ${fixed.commit}`;
    return `\t${[start, end].filter(Boolean).join(' and ')}`;
  });
  const assigned = `The Linux kernel CVE team has assigned ${cve.id} to this issue.`;
  return [
    ...section('Description', [
      'In the Linux kernel, the following vulnerability has been resolved:',
      '',
      cve.title,
      '',
      cve.description,
      '',
      assigned,
    ]),
    ...section('Affected and fixed versions', ranges),
    ...section('Affected files', ['The file(s) affected by this issue are:', ...cve.files.map((file) => `\t${file}`)]),
  ];
}

function vulnsStream(cves: readonly SampleCve[]): string {
  const files = cves.flatMap((cve) => {
    const folder = `cve/${cve.state}/${cve.id.slice(4, 8)}/${cve.id}`;
    return [
      `M 100644 inline ${folder}.json\n${data(sampleRecord(cve))}`,
      `M 100644 inline ${folder}.dyad\n${data(`${cve.dyad.join('\n')}\n`)}`,
    ];
  });
  return commit(cves.length, 'sample records') + files.join('');
}

/** A CVE JSON 5.x record with the fields that are read. */
export function sampleRecord(cve: SampleCve): string {
  const metrics = cve.cvss === null ? {} : { metrics: [{ cvssV3_1: { version: '3.1', vectorString: cve.cvss } }] };
  const cna = {
    title: cve.title,
    descriptions: [
      {
        lang: 'en',
        value: `In the Linux kernel, the following vulnerability has been resolved:\n\n${cve.title}\n\n${cve.description}`,
      },
    ],
    affected: [{ product: 'Linux', vendor: 'Linux', programFiles: cve.files }],
    ...metrics,
    references: [],
  };
  return JSON.stringify(
    {
      dataType: 'CVE_RECORD',
      dataVersion: '5.1',
      cveMetadata: { cveId: cve.id, state: 'PUBLISHED' },
      containers: { cna },
    },
    null,
    1,
  );
}
