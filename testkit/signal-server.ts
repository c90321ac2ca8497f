import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KERNEL_CNA } from '#feed';
import type { SignalSettings } from '#pipeline';

/** No source at all: tests turn on what they need. */
export const signalsOff: SignalSettings = {
  nvd: { url: null, key: null, seconds: 60 },
  kev: { url: null, seconds: 3_600 },
  vulnrichment: { url: null, seconds: 60 },
  epss: { url: null, seconds: 3_600 },
  exploits: { directory: null, list: null, seconds: 60 },
};

/** A server that answers as its `answer` function says, on the loopback address. */
export interface FakeServer extends AsyncDisposable {
  readonly url: string;
  /** URLs and headers that were asked, in order. */
  readonly requests: { readonly url: URL; readonly apiKey: string | undefined }[];
}

type Answer = (request: IncomingMessage, response: ServerResponse, url: URL, index: number) => void;

export async function fakeServer(answer: Answer): Promise<FakeServer> {
  const requests: FakeServer['requests'] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const apiKey = request.headers['apikey'];
    requests.push({ url, apiKey: Array.isArray(apiKey) ? apiKey[0] : apiKey });
    answer(request, response, url, requests.length - 1);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** How a file is served: whole, cut in the middle of the connection, by a redirect, or not at all. */
export type Serving = 'whole' | 'cut' | 'redirect' | 'loop' | 'error-page' | 503;

/** One file on a server, as KEV, EPSS and lists are. `serving` may be changed between requests. */
export async function fakeFile(content: Buffer | string): Promise<FakeServer & { content: Buffer; serving: Serving }> {
  const state = { content: Buffer.from(content), serving: 'whole' as Serving };
  const server = await fakeServer((_request, response, url) => {
    const { content: bytes, serving } = state;
    if (serving === 503) response.writeHead(503, { 'retry-after': '1' }).end();
    else if (serving === 'error-page') response.end('<html><body>Please prove that you are human</body></html>');
    else if (serving === 'loop' || (serving === 'redirect' && url.pathname === '/'))
      response.writeHead(302, { location: '/current' }).end();
    else if (serving === 'cut') {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
    } else response.end(bytes);
  });
  return Object.assign(state, server);
}

/** One CVE as NVD's API gives it (NVD, Vulnerabilities API 2.0; checked against a public answer of 2025). */
export interface NvdCve {
  readonly id: string;
  readonly modified: string;
  readonly vector?: string;
  /** The score NVD prints beside the vector; a liar's differs from the vector. */
  readonly printed?: number;
  readonly cna?: string;
}

/** NVD's CVE API 2.0: pages, dates and limits; it refuses the requests whose index is in `refuse`. */
export interface FakeNvd extends FakeServer {
  cves: NvdCve[];
  refuse: ReadonlySet<number>;
  /** Says it has so many more than it gives. */
  missing: number;
  /** As NVD writes it: UTC without a zone. */
  timestamp: string;
  /** Seconds in the Retry-After of a refusal; null = none. */
  retryAfter: number | null;
}

export async function fakeNvd(cves: NvdCve[], pageSize = 2_000): Promise<FakeNvd> {
  const state = {
    cves,
    refuse: new Set<number>() as ReadonlySet<number>,
    missing: 0,
    timestamp: '2026-11-24T02:00:00.000',
    retryAfter: null as number | null,
  };
  const server = await fakeServer((_request, response, { searchParams }, index) => {
    if (state.refuse.has(index)) {
      const wait = state.retryAfter === null ? {} : { 'retry-after': String(state.retryAfter) };
      response.writeHead(index % 2 === 0 ? 403 : 503, wait).end();
      return;
    }
    const [from, to] = [searchParams.get('lastModStartDate'), searchParams.get('lastModEndDate')];
    if ((from === null) !== (to === null) || (from !== null && Date.parse(to!) - Date.parse(from) > 120 * 86_400_000)) {
      response.writeHead(404, { message: 'Invalid date range' }).end();
      return;
    }
    const wanted = searchParams.get('sourceIdentifier');
    const found = state.cves.filter(({ modified, cna = KERNEL_CNA }) => {
      const at = Date.parse(`${modified}Z`);
      const dated = from === null || (at >= Date.parse(from) && at <= Date.parse(to!));
      return dated && (cna === wanted || cna === 'liar');
    });
    const start = Number(searchParams.get('startIndex'));
    const most = Math.min(pageSize, Number(searchParams.get('resultsPerPage')));
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        resultsPerPage: most,
        startIndex: start,
        totalResults: found.length + state.missing,
        format: 'NVD_CVE',
        version: '2.0',
        timestamp: state.timestamp,
        vulnerabilities: found.slice(start, start + most).map(item),
      }),
    );
  });
  return Object.assign(state, server);
}

function item({ id, modified, vector, printed, cna = KERNEL_CNA }: NvdCve): unknown {
  const metric = {
    source: 'nvd@nist.gov',
    type: 'Primary',
    cvssData: { version: '3.1', vectorString: vector, baseScore: printed },
  };
  return {
    cve: {
      id,
      sourceIdentifier: cna,
      published: modified,
      lastModified: modified,
      vulnStatus: 'Analyzed',
      descriptions: [{ lang: 'en', value: 'A sample.' }],
      metrics: vector === undefined ? {} : { cvssMetricV31: [metric] },
      weaknesses: [{ source: 'nvd@nist.gov', type: 'Primary', description: [{ lang: 'en', value: 'CWE-416' }] }],
      references: [],
    },
  };
}

/** A KEV catalog of these entries. */
export function kevCatalog(
  entries: readonly { cve: string; added?: string; ransomware?: boolean }[],
  count = entries.length,
): string {
  return JSON.stringify({
    title: 'CISA Catalog of Known Exploited Vulnerabilities',
    catalogVersion: '2026.11.20',
    dateReleased: '2026-11-20T17:04:19.9796Z',
    count,
    vulnerabilities: entries.map(({ cve, added = '2026-10-01', ransomware = false }) => ({
      cveID: cve,
      vendorProject: 'Linux',
      product: 'Kernel',
      vulnerabilityName: 'Linux Kernel Use-After-Free Vulnerability',
      dateAdded: added,
      shortDescription: 'A sample.',
      requiredAction: 'Apply mitigations per vendor instructions.',
      dueDate: '2026-10-22',
      knownRansomwareCampaignUse: ransomware ? 'Known' : 'Unknown',
      notes: '',
      cwes: ['CWE-416'],
    })),
  });
}

/** The daily file of EPSS for these rows. */
export function epssCsv(rows: readonly string[], date = '2026-11-23T00:00:00Z'): string {
  return `#model_version:v2026.03.14,score_date:${date}\ncve,epss,percentile\n${rows.map((row) => `${row}\n`).join('')}`;
}
