/** A host believes its root and nothing else: every way an archive can be wrong has its own refusal. */
import assert from 'node:assert/strict';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { canonicalize } from '@tufjs/canonical-json';
import { refreshArchive } from '#archive';
import { indexPath, releasePath } from '#domain';
import { systemClock } from '#host';
import { ISSUED_FIELD, openArchive, type TrustedArchive } from '#trust';
import {
  BUILD_ID,
  bundle,
  clockAt,
  newArchive,
  type OneFolder,
  publishOne,
  signerOf,
} from '../../../testkit/archive.ts';
import { scratch } from '../../../testkit/scratch.ts';
import { serveFolder } from '../../../testkit/static-server.ts';
import { serveRepository, TufRepository } from '../../../testkit/tuf-repository.ts';

const DAY_MS = 86_400_000;
const MAX = 1 << 20;

interface Setting {
  readonly home: string;
  readonly place: OneFolder;
  readonly root: Buffer;
  readonly modulePath: string;
}

async function published(offsetMs = 0): Promise<Setting> {
  const home = await scratch();
  const place = await newArchive(home, clockAt(offsetMs));
  const release = await publishOne(place, 'tuxtape_one');
  const root = await readFile(join(place.directory, 'root.json'));
  return { home, place, root, modulePath: releasePath(release, 'tuxtape_one.ko') };
}

/** Opens what `directory` holds, over HTTP, as a host that was given `root` and remembers in `state`. */
async function visit<T>(
  directory: string,
  root: Buffer,
  state: string,
  body: (archive: TrustedArchive) => Promise<T>,
): Promise<T> {
  await using server = await serveFolder(directory);
  return await body(await openArchive({ url: server.url, root, state }));
}

function read(path: string): (archive: TrustedArchive) => ReturnType<TrustedArchive['read']> {
  return (archive) => archive.read(path, MAX);
}

/** Changes bytes of every file whose name matches. */
async function spoil(directory: string, pattern: RegExp, change: (bytes: Buffer) => Buffer): Promise<void> {
  const names = (await readdir(directory, { recursive: true })).filter((name) => pattern.test(name));
  assert.ok(names.length > 0, `nothing matches ${pattern}`);
  for (const name of names) await writeFile(join(directory, name), change(await readFile(join(directory, name))));
}

function flip(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length >> 1]! ^= 1;
  return copy;
}

test('a good archive gives the very bytes that were published, with their release', async () => {
  const { home, place, root, modulePath } = await published();
  const found = await visit(place.directory, root, join(home, 'state'), read(modulePath));
  assert.deepEqual(found?.content, bundle('tuxtape_one').module);
  assert.equal((found.custom['release'] as { buildId: string }).buildId, BUILD_ID);
  const none = await visit(place.directory, root, join(home, 'state'), read(indexPath('e'.repeat(40))));
  assert.equal(none, undefined);
});

test('a tampered, cut or lengthened module is refused', async () => {
  for (const change of [
    flip,
    (bytes: Buffer) => bytes.subarray(0, -1),
    (bytes: Buffer) => Buffer.concat([bytes, bytes]),
  ]) {
    const { home, place, root, modulePath } = await published();
    await spoil(place.directory, /\.ko$/, change);
    await assert.rejects(visit(place.directory, root, join(home, 'state'), read(modulePath)), {
      code: 'target-mismatch',
    });
  }
});

test('a target that is listed and not served is told from one that is not listed', async () => {
  const { home, place, root, modulePath } = await published();
  for (const name of await readdir(place.directory, { recursive: true })) {
    if (name.endsWith('.ko')) await rm(join(place.directory, name));
  }
  await assert.rejects(visit(place.directory, root, join(home, 'state'), read(modulePath)), { code: 'target-missing' });
});

test('expired metadata is refused', async () => {
  const { home, place, root } = await published(-30 * DAY_MS);
  await assert.rejects(visit(place.directory, root, join(home, 'state'), read('x')), { code: 'metadata-expired' });
});

test('metadata whose signed part was changed is refused', async () => {
  const cases = [
    [/timestamp\.json$/, 'metadata-unsigned'],
    // The timestamp has its hash.
    [/\d\.snapshot\.json$/, 'metadata-invalid'],
    [/\d\.targets\.json$/, 'metadata-unsigned'],
    [/\d\.modules\.json$/, 'metadata-unsigned'],
    [/\d\.modules-[0-9a-f]{2}\.json$/, 'metadata-unsigned'],
  ] as const;
  for (const [name, code] of cases) {
    const { home, place, root, modulePath } = await published();
    await spoil(place.directory, name, (bytes) =>
      Buffer.from(bytes.toString().replace('"expires":"2', '"expires":"3')),
    );
    await assert.rejects(visit(place.directory, root, join(home, 'state'), read(modulePath)), { code });
  }
});

test('an archive of other keys is refused by a host that trusts this root', async () => {
  const [mine, other] = [await published(), await published()];
  await assert.rejects(visit(other.place.directory, mine.root, join(mine.home, 'state'), read('x')), {
    code: 'metadata-unsigned',
  });
});

test('an archive that goes back in time is refused', async () => {
  const { home, place, root } = await published();
  const [old, state] = [join(home, 'old'), join(home, 'state')];
  await cp(place.directory, old, { recursive: true });
  await refreshArchive(place);
  await visit(place.directory, root, state, read('x'));
  await assert.rejects(visit(old, root, state, read('x')), { code: 'metadata-rollback' });
  await visit(place.directory, root, state, read('x'));
});

test('a publication that was cut off before its timestamp leaves the old archive', async () => {
  const { home, place, root } = await published();
  const old = await readFile(join(place.directory, 'metadata/timestamp.json'));
  await publishOne(place, 'tuxtape_two');
  await writeFile(join(place.directory, 'metadata/timestamp.json'), old);
  const index = await visit(place.directory, root, join(home, 'state'), read(indexPath(BUILD_ID)));
  const { releases } = JSON.parse(index!.content.toString()) as { releases: { number: number }[] };
  assert.deepEqual(
    releases.map(({ number }) => number),
    [1],
  );
});

test('remembered metadata that was damaged on the host does not lock it out, nor makes it forget the rest', async () => {
  const { home, place, root, modulePath } = await published();
  const [old, state] = [join(home, 'old'), join(home, 'state')];
  await cp(place.directory, old, { recursive: true });
  await refreshArchive(place);
  await visit(place.directory, root, state, read('x'));
  await writeFile(join(state, 'metadata/root.json'), '');
  await assert.rejects(visit(old, root, state, read('x')), { code: 'metadata-rollback' });
  await writeFile(join(state, 'metadata/timestamp.json'), 'x');
  assert.ok(await visit(place.directory, root, state, read(modulePath)));
});

test('a host that is set up anew for another archive starts over, whatever versions it has seen of the first', async () => {
  for (const newer of [0, 2]) {
    const [repo, other] = [new TufRepository(), await published()];
    const state = join(other.home, 'state');
    const first = repo.files.get('metadata/1.root.json')!;
    for (let i = 0; i < newer; i += 1) repo.publish('root');
    await using server = await serveRepository(repo);
    for (let i = 0; i < 2; i += 1) {
      await openArchive({ url: server.url, root: first, state });
      const trusted = JSON.parse(await readFile(join(state, 'metadata/root.json'), 'utf8')) as {
        signed: { version: number };
      };
      assert.equal(trusted.signed.version, 1 + newer, 'the root it came with is one of the past of what it trusts');
    }
    assert.ok(await visit(other.place.directory, other.root, state, read(other.modulePath)));
    await assert.rejects(visit(other.place.directory, Buffer.from('{}'), state, read('x')), { code: 'root-invalid' });
  }
});

test('a root on disk that was damaged is put back as it was, not as the host came', async () => {
  const [repo, home] = [new TufRepository(), await scratch()];
  const root = repo.files.get('metadata/1.root.json')!;
  await using server = await serveRepository(repo);
  const open = (): Promise<unknown> => openArchive({ url: server.url, root, state: home });
  repo.rotate('timestamp');
  repo.publish('root', 'timestamp');
  await open();
  // Somebody has the old key of the timestamp, and the archive's new roots do not get through.
  const rotated = repo.files.get('metadata/2.root.json')!;
  repo.files.delete('metadata/2.root.json');
  repo.rotate('timestamp');
  repo.publish('timestamp');
  for (const damage of ['', '{}', rotated.subarray(0, -20)]) {
    await writeFile(join(home, 'metadata/root.json'), damage);
    await assert.rejects(open(), { code: 'metadata-unsigned' });
    assert.deepEqual(await readFile(join(home, 'metadata/root.json')), rotated);
  }
  await rm(join(home, 'roots'), { recursive: true });
  await writeFile(join(home, 'metadata/root.json'), '');
  await assert.rejects(open(), { code: 'metadata-unsigned' });
  assert.deepEqual(await readFile(join(home, 'metadata/root.json')), root);
});

test('a host whose clock stands at 1970 is served, and knows by the archive how late it is at least', async () => {
  const { home, place, root, modulePath } = await published();
  const state = join(home, 'state');
  const clock = { ...systemClock, now: () => new Date(0) };
  await using server = await serveFolder(place.directory);
  const archive = await openArchive({ url: server.url, root, state, clock });
  assert.ok(await archive.read(modulePath, MAX));
  // What a thief of the timestamp key signs to hold the host at what it has would pass by the clock alone.
  const file = join(place.directory, 'metadata/timestamp.json');
  const { signed } = JSON.parse(await readFile(file, 'utf8')) as { signed: Record<string, unknown> };
  const stale = { ...signed, version: Number(signed['version']) + 1, expires: '2020-01-01T00:00:00Z' };
  assert.ok(ISSUED_FIELD in stale);
  Reflect.deleteProperty(stale, ISSUED_FIELD);
  const signer = await signerOf(place, 'timestamp');
  const signature = { keyid: signer.keyid, sig: await signer.sign(Buffer.from(canonicalize(stale))) };
  await writeFile(file, JSON.stringify({ signatures: [signature], signed: stale }));
  await assert.rejects(openArchive({ url: server.url, root, state, clock }), { code: 'metadata-expired' });
});

async function answeredBy<T>(listener: RequestListener, body: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await body(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('servers that misbehave are offline or refused, and never fill the memory', async () => {
  const { home, root } = await published();
  const open = (url: string): Promise<unknown> => openArchive({ url, root, state: join(home, 'state') });
  await assert.rejects(open('http://127.0.0.1:1'), { code: 'archive-offline' });
  const internal: RequestListener = (_request, response) => response.writeHead(500).end();
  await assert.rejects(answeredBy(internal, open), { code: 'archive-offline' });
  const elsewhere: RequestListener = (_request, response) =>
    response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
  await assert.rejects(answeredBy(elsewhere, open), { code: 'archive-offline' });
  const html: RequestListener = (_request, response) => response.end('<html>log in to the hotel</html>');
  await assert.rejects(answeredBy(html, open), { code: 'metadata-invalid' });
  let sent = 0;
  const endless: RequestListener = (_request, response) => {
    const more = (): void => {
      if (response.destroyed || sent > 256 << 20) return;
      sent += 65_536;
      response.write(Buffer.alloc(65_536), more);
    };
    more();
  };
  await assert.rejects(answeredBy(endless, open), { code: 'metadata-invalid' });
  assert.ok(sent < 64 << 20, `${sent} bytes were taken`);
});
