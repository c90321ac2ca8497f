/** What is installed elsewhere, against the schemas of those who read it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Deployment, StatefulSet } from 'kubernetes-models/apps/v1';
import { PersistentVolumeClaim, Service, ServiceAccount } from 'kubernetes-models/v1';
import { parse, parseAllDocuments } from 'yaml';
import { configKeys, schema } from '#config';

const packaging = join(import.meta.dirname, '../../../packaging');

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly template?: { readonly spec: PodSpec } };
}

interface PodSpec {
  readonly automountServiceAccountToken?: boolean;
  readonly securityContext?: { readonly runAsNonRoot?: boolean };
  readonly containers: readonly {
    readonly env?: readonly { readonly name: string }[];
    readonly securityContext?: { readonly allowPrivilegeEscalation?: boolean };
    readonly resources?: { readonly limits?: object };
  }[];
}

// oxlint-disable-next-line typescript/no-explicit-any -- each model takes its own data, and checks it
type Model = new (data: any) => { validate(): void };
const models: Readonly<Record<string, Model>> = {
  Deployment,
  StatefulSet,
  PersistentVolumeClaim,
  Service,
  ServiceAccount,
};

const files = readdirSync(join(packaging, 'kubernetes'));
const manifests = files.flatMap((name) =>
  parseAllDocuments(readFileSync(join(packaging, 'kubernetes', name), 'utf8')).map((document) => {
    assert.deepEqual(document.errors, [], name);
    return document.toJS() as Manifest;
  }),
);

for (const manifest of manifests)
  test(`${manifest.kind} ${manifest.metadata.name} is as the schema of Kubernetes says`, () => {
    const Kind = models[manifest.kind];
    assert.ok(Kind !== undefined, manifest.kind);
    new Kind(manifest).validate();
  });

test('no container is root, may become it, or eats the node', () => {
  for (const { spec, metadata } of manifests) {
    const pod = spec?.template?.spec;
    if (pod === undefined) continue;
    assert.equal(pod.automountServiceAccountToken, false, metadata.name);
    assert.equal(pod.securityContext?.runAsNonRoot, true, metadata.name);
    for (const { securityContext, resources } of pod.containers) {
      assert.equal(securityContext?.allowPrivilegeEscalation, false, metadata.name);
      assert.ok(resources?.limits !== undefined, metadata.name);
    }
  }
});

test('every setting that a manifest gives is one', () => {
  const known = new Set<string>(configKeys.map((key) => schema[key].env));
  for (const { spec } of manifests)
    for (const { env = [] } of spec?.template?.spec.containers ?? [])
      for (const { name } of env.filter((one) => one.name.startsWith('TUXTAPE_'))) assert.ok(known.has(name), name);
});

test('the role of the agents reads as YAML, and every variable has a default', () => {
  const role = join(packaging, 'ansible/roles/tuxtape_agent');
  const defaults = parse(readFileSync(join(role, 'defaults/main.yml'), 'utf8')) as Record<string, unknown>;
  const text = readFileSync(join(role, 'tasks/main.yml'), 'utf8');
  const tasks = parse(text) as { name: string }[];
  assert.ok(tasks.every(({ name }) => name.length > 0));
  const used = new Set([...text.matchAll(/tuxtape_agent_\w+/g)].map(([name]) => name));
  used.delete('tuxtape_agent_setup');
  assert.deepEqual([...used].toSorted(), Object.keys(defaults).toSorted());
});
