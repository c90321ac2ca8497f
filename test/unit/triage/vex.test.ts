/** VEX documents as their publishers define them, so that a scanner can filter by them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import { type CveId, justifications, type Verdict } from '#domain';
import {
  isBomLink,
  isVersionedPurl,
  kernelPurl,
  toCycloneDx,
  toOpenVex,
  type VexOrigin,
  type VexProduct,
  vexUuid,
} from '#triage';
import { readOpenVex } from '../../../testkit/openvex.ts';
import {
  type CycloneDxVex,
  openVexDismisses,
  purlMatches,
  trivyCycloneDxDismisses,
} from '../../../testkit/vex-consumers.ts';

const statements = (['affected', 'not_affected', 'fixed', 'under_investigation'] as const).map((status, i) => ({
  decidedAt: new Date(`2026-11-0${i + 1}T00:00:00Z`),
  verdict: {
    cve: `CVE-2026-1000${i}` as CveId,
    status,
    justification: status === 'not_affected' ? 'vulnerable_code_not_present' : null,
    evidence: [{ rung: 'build', outcome: 'supports', sentence: 'It is <b>so</b>.', facts: {} }],
  } satisfies Verdict,
}));
const DISMISSED = ['CVE-2026-10001', 'CVE-2026-10002'];
const purl = kernelPurl('web & more', '6.1.170+', 'c915b3da96198004');
const DEBIAN = 'pkg:deb/debian/linux-image-6.1.0-48-amd64@6.1.170-3?arch=amd64';
const GENERIC = 'pkg:generic/linux-kernel@6.1.170-web';
const origin: VexOrigin = {
  author: 'A team',
  toolVersion: '0.1.0',
  uuid: vexUuid('openvex', 'c915b3da96198004'),
  version: 3,
  issuedAt: new Date('2026-11-01T00:00:00Z'),
  changedAt: new Date('2026-11-24T00:00:00Z'),
};

function productOf(part: Partial<VexProduct> = {}): VexProduct {
  const base = { name: 'web & more', version: '6.1.170+', buildId: 'c915b3da96198004' };
  return { purls: [purl], within: [], bom: null, ...base, ...part };
}

function openVex(part: Partial<VexProduct> = {}) {
  return readOpenVex(JSON.parse(JSON.stringify(toOpenVex(productOf(part), statements, origin))));
}

/** The CVEs a scanner leaves out for this package of what it scanned. */
function dismissed(part: Partial<VexProduct>, found: string, scanned: string | null = null): string[] {
  const document = openVex(part);
  return statements
    .map(({ verdict }) => verdict.cve)
    .filter((cve) => openVexDismisses(document, { cve, purl: found }, scanned));
}

test('the package URL of a kernel can be read back', () => {
  const { type, name, version, qualifiers } = PackageURL.fromString(purl);
  assert.deepEqual(
    [type, name, version, { ...qualifiers }],
    ['generic', 'web & more', '6.1.170+', { build_id: 'c915b3da96198004' }],
  );
});

test('OpenVEX: valid by the rules of its schema, every verdict in it, each with its own time', () => {
  const document = openVex();
  assert.deepEqual(
    document.statements.map(({ vulnerability, status, timestamp }) => [vulnerability.name, status, timestamp]),
    statements.map(({ verdict, decidedAt }) => [verdict.cve, verdict.status, decidedAt.toISOString()]),
  );
  assert.deepEqual(
    [document.version, document.timestamp, document.last_updated],
    [3, '2026-11-01T00:00:00.000Z', '2026-11-24T00:00:00.000Z'],
  );
  const broken: ((document: Record<string, unknown>, statement: Record<string, unknown>) => void)[] = [
    (_, one) => void (one['impact_statement'] = 'both'),
    (_, one) => void delete one['justification'],
    (_, one) => void (one['products'] = []),
    (_, one) => void (one['note'] = 'x'),
    (whole) => void (whole['version'] = '3'),
    (whole) => void (whole['statements'] = []),
  ];
  for (const breakIt of broken) {
    const copy = structuredClone(document) as unknown as Record<string, unknown>;
    breakIt(copy, (copy['statements'] as Record<string, unknown>[])[1]!);
    assert.throws(() => readOpenVex(copy));
  }
});

test('a scanner leaves out what is not affected or fixed, for each name of the kernel and for no other package', () => {
  const purls = ['pkg:deb/debian/linux-image-6.1.0-48-amd64@6.1.170-3', GENERIC];
  assert.deepEqual(dismissed({ purls }, DEBIAN), DISMISSED);
  assert.deepEqual(dismissed({ purls }, `${DEBIAN}&distro=debian-12`), DISMISSED, 'a scanner may know more');
  assert.deepEqual(dismissed({ purls }, GENERIC), DISMISSED);
  assert.deepEqual(dismissed({ purls }, DEBIAN.replace('6.1.170-3', '6.1.176-1')), [], 'another version');
  assert.deepEqual(dismissed({ purls }, 'pkg:deb/debian/linux-image-6.1.0-48-cloud-amd64@6.1.170-3'), []);
  assert.deepEqual(dismissed({ purls: [DEBIAN] }, DEBIAN.split('?')[0]!), [], 'each qualifier is asked for');
  const noBuildId = purl.split('?')[0]!;
  assert.deepEqual(dismissed({}, noBuildId), [], 'a version alone never identifies a kernel');
});

test('within an image the kernel is its subcomponent: nothing else in the image is dismissed', () => {
  const image = 'pkg:oci/web@sha256%3A124c7d2707904eea';
  const part = { purls: [GENERIC], within: [image] };
  assert.deepEqual(dismissed(part, GENERIC, `${image}?repository_url=registry.example.org`), DISMISSED);
  assert.deepEqual(dismissed(part, 'pkg:generic/busybox@1.37', image), []);
  assert.deepEqual(dismissed(part, GENERIC, 'pkg:oci/other@sha256%3A124c7d2707904eea'), []);
});

test('a package URL without a version would match every kernel, so it is none for us', () => {
  assert.ok(purlMatches('pkg:generic/linux', GENERIC.replace('linux-kernel', 'linux')));
  for (const one of [DEBIAN, GENERIC, purl, 'pkg:yocto/core/linux-yocto@6.1.170#sub'])
    assert.ok(isVersionedPurl(one), one);
  for (const one of ['pkg:generic/linux', 'pkg:generic/linux@', 'linux@6.1', 'pkg:generic/linux@6.1 x', '', 'pkg:@1'])
    assert.ok(!isVersionedPurl(one), one);
});

test('CycloneDX: valid by the published schema, with the states that consumers filter by', async () => {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  const bom = 'urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1';
  assert.ok(isBomLink(bom) && !isBomLink('urn:cdx:x/1') && !isBomLink(`${bom}#ref`));
  for (const part of [{}, { purls: [DEBIAN, GENERIC] }, { purls: [DEBIAN, purl], bom }]) {
    const document = toCycloneDx(productOf(part), statements, origin);
    assert.equal(await validator.validate(JSON.stringify(document)), null);
    const broken = { ...document, vulnerabilities: [{ analysis: { state: 'fine' } }] };
    assert.notEqual(await validator.validate(JSON.stringify(broken)), null);
    const states = (document as unknown as CycloneDxVex).vulnerabilities.map(({ analysis }) => analysis.state);
    assert.deepEqual(states, ['exploitable', 'not_affected', 'resolved', 'in_triage']);
  }
  const linked = toCycloneDx(productOf({ purls: [DEBIAN, purl], bom }), statements, origin) as unknown as CycloneDxVex;
  const left = (found: string, scanned: string): string[] =>
    statements
      .map(({ verdict }) => verdict.cve)
      .filter((cve) => trivyCycloneDxDismisses(linked, { cve, purl: found }, scanned));
  assert.deepEqual(left(DEBIAN, bom), DISMISSED);
  assert.deepEqual(left(purl, bom), DISMISSED, 'what is escaped in a purl stays so');
  assert.deepEqual(left(DEBIAN, bom.replace('/1', '/2')), [], 'another BOM');
});

test('every justification a person may state is one of both formats', async () => {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  const all = justifications.map((justification, i) => {
    const { verdict, decidedAt } = statements[1]!;
    return { decidedAt, verdict: { ...verdict, cve: `CVE-2026-2000${i}` as CveId, justification } };
  });
  readOpenVex(JSON.parse(JSON.stringify(toOpenVex(productOf(), all, origin))));
  assert.equal(await validator.validate(JSON.stringify(toCycloneDx(productOf(), all, origin))), null);
});

test('one document a kernel and format', () => {
  assert.match(vexUuid('openvex', 'a'), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(vexUuid('openvex', 'a'), vexUuid('openvex', 'a'));
  assert.equal(new Set(['a', 'b'].flatMap((id) => [vexUuid('openvex', id), vexUuid('cyclonedx', id)])).size, 4);
});
