import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const text = { type: 'string' };
const iri = { type: 'string', format: 'uri' };
const time = { type: 'string', format: 'date-time' };

function strict(properties: object, required: readonly string[] = []): object {
  return { type: 'object', properties, required, additionalProperties: false };
}

function is(value: string): object {
  return { const: value };
}

function needs(field: string): object {
  return { required: [field] };
}

const identifiers = strict({ purl: { type: 'string', pattern: '^pkg:' }, '@cpe22': text, '@cpe23': text });
const component = { '@id': iri, identifiers };
const product = strict({
  ...component,
  subcomponents: { type: 'array', uniqueItems: true, items: strict(component) },
});

const statement = {
  ...strict(
    {
      '@id': iri,
      version: { type: 'integer', minimum: 1 },
      vulnerability: strict(
        {
          '@id': iri,
          name: { type: 'string', minLength: 1 },
          description: text,
          aliases: { type: 'array', items: text },
        },
        ['name'],
      ),
      timestamp: time,
      last_updated: time,
      products: { type: 'array', uniqueItems: true, minItems: 1, items: product },
      status: { enum: ['not_affected', 'affected', 'fixed', 'under_investigation'] },
      supplier: text,
      status_notes: text,
      justification: {
        enum: [
          'component_not_present',
          'vulnerable_code_not_present',
          'vulnerable_code_not_in_execute_path',
          'vulnerable_code_cannot_be_controlled_by_adversary',
          'inline_mitigations_already_exist',
        ],
      },
      impact_statement: text,
      action_statement: text,
      action_statement_timestamp: time,
    },
    ['vulnerability', 'status', 'products'],
  ),
  allOf: [
    {
      // The published schema has it stricter than the text of the specification: one of the two, never both.
      anyOf: [
        { properties: { status: is('not_affected') }, oneOf: [needs('justification'), needs('impact_statement')] },
        { properties: { status: { not: is('not_affected') } }, not: needs('justification') },
      ],
    },
    { anyOf: [{ properties: { status: { not: is('affected') } } }, needs('action_statement')] },
  ],
};

/**
 * OpenVEX v0.2.0 as its specification and the published openvex_json_schema_0.2.0.json state it: no other field, and what
 * each status requires. Stricter in three places, where the specification says more than the schema: a statement names
 * its product, a justification goes with `not_affected` alone, and the context is that of the version.
 */
const schema = strict(
  {
    '@context': { const: 'https://openvex.dev/ns/v0.2.0' },
    '@id': iri,
    author: { type: 'string', minLength: 1 },
    role: text,
    timestamp: time,
    last_updated: time,
    version: { type: 'integer', minimum: 1 },
    tooling: text,
    statements: { type: 'array', uniqueItems: true, minItems: 1, items: statement },
  },
  ['@context', '@id', 'author', 'timestamp', 'version', 'statements'],
);

export interface OpenVexComponent {
  readonly '@id': string;
  readonly identifiers: { readonly purl: string };
}

export interface OpenVexDocument {
  readonly '@id': string;
  readonly version: number;
  readonly timestamp: string;
  readonly last_updated: string;
  readonly statements: readonly {
    readonly vulnerability: { readonly name: string };
    readonly timestamp: string;
    readonly products: readonly (OpenVexComponent & { readonly subcomponents?: readonly OpenVexComponent[] })[];
    readonly status: string;
    readonly justification?: string;
  }[];
}

const ajv = new Ajv2020({ allErrors: true, strict: false });
addFormats.default(ajv);
const validate = ajv.compile<OpenVexDocument>(schema);

/** The document, or an error that says why it is none. */
export function readOpenVex(value: unknown): OpenVexDocument {
  if (validate(value)) return value;
  throw new TypeError(ajv.errorsText(validate.errors));
}
