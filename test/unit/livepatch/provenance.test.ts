import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { type ProvenanceFacts, provenanceOf } from '#livepatch';
import { sampleRecipe } from '../../../testkit/livepatch-module.ts';

/** in-toto Statement v1 and SLSA v1.0 provenance, as https://slsa.dev/spec/v1.0/provenance lays their fields down. */
const descriptor = {
  type: 'object',
  anyOf: [{ required: ['uri'] }, { required: ['digest'] }, { required: ['content'] }],
  properties: {
    name: { type: 'string', minLength: 1 },
    uri: { type: 'string' },
    digest: {
      type: 'object',
      minProperties: 1,
      additionalProperties: { type: 'string', pattern: '^[0-9a-f]+$' },
    },
    content: { type: 'string', pattern: '^[A-Za-z0-9+/]+=*$' },
    mediaType: { type: 'string' },
    annotations: { type: 'object' },
  },
  additionalProperties: false,
};
const time = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$' };
const schema = {
  type: 'object',
  required: ['_type', 'subject', 'predicateType', 'predicate'],
  additionalProperties: false,
  properties: {
    _type: { const: 'https://in-toto.io/Statement/v1' },
    subject: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['name', 'digest'],
        properties: {
          name: { type: 'string' },
          digest: { type: 'object', required: ['sha256'], properties: { sha256: { pattern: '^[0-9a-f]{64}$' } } },
        },
      },
    },
    predicateType: { const: 'https://slsa.dev/provenance/v1' },
    predicate: {
      type: 'object',
      required: ['buildDefinition', 'runDetails'],
      additionalProperties: false,
      properties: {
        buildDefinition: {
          type: 'object',
          required: ['buildType', 'externalParameters', 'resolvedDependencies'],
          additionalProperties: false,
          properties: {
            buildType: { type: 'string', pattern: '^[a-z]+:' },
            externalParameters: { type: 'object' },
            internalParameters: { type: 'object' },
            resolvedDependencies: { type: 'array', items: descriptor },
          },
        },
        runDetails: {
          type: 'object',
          required: ['builder'],
          additionalProperties: false,
          properties: {
            builder: {
              type: 'object',
              required: ['id'],
              properties: {
                id: { type: 'string', pattern: '^[a-z]+:' },
                version: { type: 'object', additionalProperties: { type: 'string' } },
              },
            },
            metadata: {
              type: 'object',
              properties: { invocationId: { type: 'string' }, startedOn: time, finishedOn: time },
            },
          },
        },
      },
    },
  },
};
const isProvenance = new Ajv2020({ strict: false }).compile(schema);

const facts: ProvenanceFacts = {
  moduleName: 'tuxtape_sample',
  moduleSha256: 'c'.repeat(64),
  recipe: { ...sampleRecipe, cves: ['CVE-2026-10001'], fixCommits: ['1'.repeat(40), '2'.repeat(40)] },
  toolchain: {
    kind: 'chroot',
    root: '/srv/toolchain',
    compiler: 'gcc 14',
    linker: 'GNU ld 2.44',
    tools: { make: 'GNU Make 4.4' },
  },
  source: { kind: 'directory', address: '/home/someone/linux' },
  sourceVersion: '6.1.170',
  configSha256: 'd'.repeat(64),
  patches: [{ name: '0001-local.patch', sha256: 'e'.repeat(64) }],
  builder: 'urn:tuxtape:builder:local',
  version: '0.1.0',
  invocationId: 'an-id',
  startedAt: new Date('2026-11-03T09:00:00Z'),
  finishedAt: new Date('2026-11-03T09:00:05Z'),
};

test('provenance is an in-toto statement of SLSA v1, whatever is known of the source', () => {
  const sources: ProvenanceFacts['source'][] = [
    null,
    facts.source,
    { kind: 'git', address: 'https://example.org/linux.git', ref: 'v6.1.170', commit: 'a'.repeat(40) },
    { kind: 'deb', address: '/srv/linux.deb', sha256: 'f'.repeat(64) },
  ];
  for (const source of sources) {
    const statement: unknown = JSON.parse(JSON.stringify(provenanceOf({ ...facts, source })));
    assert.ok(isProvenance(statement), JSON.stringify(isProvenance.errors, null, 1));
  }
  assert.ok(!isProvenance({ ...provenanceOf(facts), predicateType: 'other' }), 'the schema can fail');
});

test('it names the module, the patch, each fix commit, the configuration and the programs, and no path of the machine', () => {
  const statement = provenanceOf(facts);
  const { resolvedDependencies: found } = statement.predicate.buildDefinition;
  const digests = found.map(({ name, digest }) =>
    `${name} ${Object.entries(digest ?? {})
      .flat()
      .join(' ')}`.trim(),
  );
  assert.deepEqual(statement.subject, [{ name: 'tuxtape_sample.ko', digest: { sha256: 'c'.repeat(64) } }]);
  assert.deepEqual(digests, [
    'kernel source',
    `kernel configuration sha256 ${'d'.repeat(64)}`,
    `local patch 0001-local.patch sha256 ${'e'.repeat(64)}`,
    `kernel buildId ${'a'.repeat(40)}`,
    `patch sha256 ${'b'.repeat(64)}`,
    `fix commit gitCommit ${'1'.repeat(40)}`,
    `fix commit gitCommit ${'2'.repeat(40)}`,
    'toolchain',
  ]);
  assert.ok(!/\/home|\/srv/.test(JSON.stringify(statement)));
  const image = provenanceOf({ ...facts, toolchain: { ...facts.toolchain, image: `sha256:${'9'.repeat(64)}` } });
  assert.deepEqual(image.predicate.buildDefinition.resolvedDependencies.at(-1)?.digest, { sha256: '9'.repeat(64) });
});
