import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { configKeys, loadConfig, schema } from '#config';
import { hasCode } from '#domain';

async function withFile(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tuxtape-config-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'tuxtape.toml');
  await writeFile(file, text);
  return file;
}

test('every key has a default, an environment variable of its own and a description', async () => {
  const config = await loadConfig({ env: { TUXTAPE_DATA: '/nowhere' } });
  assert.equal(config.values.size, configKeys.length);
  assert.equal(new Set(configKeys.map((key) => schema[key].env)).size, configKeys.length);
});

test('flags override the environment, which overrides the file, which overrides the default', async (t) => {
  const file = await withFile(t, '[feed]\ninterval = 60\nlore = "https://example.org/a"\n[server]\nport = 1\n');
  const env = { TUXTAPE_FEED_LORE: 'https://example.org/b', TUXTAPE_SERVER_PORT: '2' };
  const config = await loadConfig({ file, env, flags: new Map([['server.port', { value: '3', flag: 'port' }]]) });
  assert.deepEqual(config.values.get('feed.interval'), { value: 60, source: `file ${file}` });
  assert.deepEqual(config.values.get('feed.lore'), {
    value: 'https://example.org/b',
    source: 'environment TUXTAPE_FEED_LORE',
  });
  assert.deepEqual(config.values.get('server.port'), { value: 3, source: 'flag --port' });
  assert.equal(config.values.get('log.level')?.source, 'default');
});

test('an unknown key is refused with the nearest known one', async (t) => {
  const file = await withFile(t, '[feed]\nintervall = 60\n');
  await assert.rejects(loadConfig({ file, env: {} }), (error) => {
    assert.ok(hasCode(error, 'config-unknown-key'));
    assert.match(error.remedy ?? '', /feed\.interval/);
    assert.equal(error.where, file);
    return true;
  });
});

test('wrong types and broken TOML are refused with the place', async (t) => {
  const cases: [string, string][] = [
    ['[feed]\ninterval = "soon"\n', 'config-bad-value'],
    ['[feed]\ninterval = 0\n', 'config-bad-value'],
    ['[feed]\ninterval = -5\n', 'config-bad-value'],
    ['[log]\nlevel = "loud"\n', 'config-bad-value'],
    ['data = 3\n', 'config-bad-value'],
    ['data = "unclosed\n', 'config-syntax'],
  ];
  for (const [text, code] of cases) {
    const file = await withFile(t, text);
    await assert.rejects(
      loadConfig({ file, env: {} }),
      (error) => hasCode(error, code) && error.where !== undefined,
      text,
    );
  }
});

test('a configuration file that was named must be there', async () => {
  await assert.rejects(loadConfig({ file: '/nowhere/tuxtape.toml', env: {} }), (error) =>
    hasCode(error, 'file-missing'),
  );
});
