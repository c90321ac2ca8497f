import assert from 'node:assert/strict';

/** Asserts that `actual` holds everything `expected` states: objects may have more, lists may not. */
export function assertContains(actual: unknown, expected: unknown, path = ''): void {
  if (Array.isArray(expected)) {
    assert.ok(Array.isArray(actual), `${path} should be a list`);
    assert.equal(actual.length, expected.length, `${path} has ${actual.length} entries`);
    for (const [index, item] of expected.entries()) assertContains(actual[index], item, `${path}[${index}]`);
  } else if (typeof expected === 'object' && expected !== null) {
    assert.ok(typeof actual === 'object' && actual !== null, `${path} should be an object`);
    for (const [key, item] of Object.entries(expected)) {
      assertContains((actual as Record<string, unknown>)[key], item, `${path}.${key}`);
    }
  } else {
    assert.equal(actual, expected, path);
  }
}
