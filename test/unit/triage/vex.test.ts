/** VEX documents as their publishers define them, so that a scanner can filter by them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import type { CveId, Verdict } from '#domain';
import { kernelPurl, toCycloneDx, toOpenVex, type VexOrigin, type VexProduct } from '#triage';
import { openVexSchema } from '../../../testkit/openvex.ts';

const verdicts: Verdict[] = (['affected', 'not_affected', 'fixed', 'under_investigation'] as const).map(
  (status, i) => ({
    cve: `CVE-2026-1000${i}` as CveId,
    status,
    justification: status === 'not_affected' ? 'vulnerable_code_not_present' : null,
    evidence: [{ rung: 'build', outcome: 'supports', sentence: 'It is <b>so</b>.', facts: {} }],
  }),
);
const purl = kernelPurl('web & more', '6.1.170+', 'c915b3da96198004');
const product: VexProduct = { purl, name: 'web & more', version: '6.1.170+', buildId: 'c915b3da96198004' };
const origin: VexOrigin = {
  author: 'A team',
  at: new Date('2026-11-24T00:00:00Z'),
  uuid: '3e671687-395b-41f5-a30f-a58921a69b79',
  toolVersion: '0.1.0',
};

test('the package URL of a kernel can be read back', () => {
  const { type, name, version, qualifiers } = PackageURL.fromString(purl);
  assert.deepEqual(
    [type, name, version, { ...qualifiers }],
    ['generic', 'web & more', '6.1.170+', { build_id: 'c915b3da96198004' }],
  );
});

test('OpenVEX: valid, with what each status requires', () => {
  const document = openVexSchema.parse(JSON.parse(JSON.stringify(toOpenVex(product, verdicts, origin))));
  // What a scanner does with it: leave out the CVEs of this product that are not affected or fixed.
  const dismissed = document.statements.filter(
    ({ status, products }) => ['not_affected', 'fixed'].includes(status) && products.some((one) => one['@id'] === purl),
  );
  assert.deepEqual(
    dismissed.map(({ vulnerability }) => vulnerability.name),
    ['CVE-2026-10001', 'CVE-2026-10002'],
  );
});

test('CycloneDX: valid by the published schema, with the states that consumers filter by', async () => {
  const document = toCycloneDx(product, verdicts, origin);
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  assert.equal(await validator.validate(JSON.stringify(document)), null);
  assert.notEqual(
    await validator.validate(JSON.stringify({ ...document, vulnerabilities: [{ analysis: { state: 'fine' } }] })),
    null,
  );
  const states = (document.vulnerabilities as { analysis: { state: string } }[]).map(({ analysis }) => analysis.state);
  assert.deepEqual(states, ['exploitable', 'not_affected', 'resolved', 'in_triage']);
});
