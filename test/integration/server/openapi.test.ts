/** The document that describes the API says what the server does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { access } from '../../../src/server/access.ts';
import { everywhere, newAccount, tokenHeaders } from '../../../testkit/identity.ts';
import { sampleServer } from '../../../testkit/sample-server.ts';

interface Operation {
  readonly operationId: string;
  readonly security: object[];
  readonly requestBody?: { content: Record<string, { schema: object }> };
  readonly parameters?: { schema: object }[];
  readonly responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

/** Routes that answer with no JSON of the contract's. */
const OTHER = new Set([
  'GET /*',
  'GET /metrics',
  'GET /api/v1/events',
  'GET /api/v1/openapi.json',
  'GET /api/v1/session/oidc',
  'GET /api/v1/session/oidc/callback',
]);

async function described() {
  const { app, store, kernel } = await sampleServer();
  const response = await app.inject({ url: '/api/v1/openapi.json', headers: { host: '127.0.0.1' } });
  assert.equal(response.statusCode, 200);
  const document = response.json<{
    openapi: string;
    paths: Record<string, Record<string, Operation>>;
    components: { securitySchemes: object };
  }>();
  const ajv = new Ajv2020({ strict: false });
  (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
  return { app, store, kernel, document, ajv };
}

test('every route of the contract is in it, with who may call it and the form of its errors', async () => {
  const { document } = await described();
  assert.equal(document.openapi, '3.1.0');
  const found = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      key: `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
      operation,
    })),
  );
  assert.deepEqual(
    found.map(({ key }) => key).toSorted(),
    Object.keys(access)
      .filter((key) => !OTHER.has(key))
      .toSorted(),
  );
  assert.equal(new Set(found.map(({ operation }) => operation.operationId)).size, found.length, 'ids are unique');
  for (const { key, operation } of found) {
    const { who } = access[key]!;
    assert.equal(operation.security.length === 0, who === 'anyone' || who === 'visitor', key);
    for (const scheme of operation.security.flatMap((one) => Object.keys(one)))
      assert.ok(Object.hasOwn(document.components.securitySchemes, scheme), scheme);
    assert.ok(operation.responses['default']?.content?.['application/problem+json'], key);
  }
});

test('its schemas are JSON Schema 2020-12, and real answers, good and bad, are as they say', async () => {
  const { app, store, kernel, document, ajv } = await described();
  const account = await newAccount(store, [everywhere('viewer'), everywhere('admin')]);
  const headers = await tokenHeaders(store, account, account.grants);
  let checked = 0;
  for (const [path, operations] of Object.entries(document.paths))
    for (const [method, { requestBody, parameters = [], responses }] of Object.entries(operations)) {
      for (const { schema } of parameters) ajv.compile(schema);
      for (const { schema } of Object.values(requestBody?.content ?? {})) ajv.compile(schema);
      for (const { content = {} } of Object.values(responses))
        for (const { schema } of Object.values(content)) ajv.compile(schema);
      if (method !== 'get') continue;
      const url = path
        .replace('{kernel}', kernel)
        .replace('{cve}', 'CVE-2026-66666')
        .replace('{id}', '00000000-0000-4000-8000-000000000000');
      const response = await app.inject({ url, headers });
      const schema = responses[String(response.statusCode)]?.content?.['application/json']?.schema;
      // What has an id of its own is not in the sample: that it is not there is an answer, too.
      const isThere = !/\{(?:id|key)\}/.test(path) || response.statusCode !== 404;
      assert.equal(response.statusCode, isThere ? 200 : 404, url);
      if (schema === undefined) continue;
      const validate = ajv.compile(schema);
      assert.ok(validate(response.json()), `${url}: ${JSON.stringify(validate.errors)}`);
      checked += 1;
      const bad = await app.inject({ url, headers: { host: '127.0.0.1', authorization: 'Bearer x' } });
      if (bad.statusCode === 200) continue;
      const problem = ajv.compile(responses['default']!.content!['application/problem+json']!.schema);
      assert.ok(problem(bad.json()), `${url}: ${bad.body}`);
    }
  assert.ok(checked > 10, `${checked}`);
});
