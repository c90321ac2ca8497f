/** An archive in a bucket, against a strict fake of the protocol (testkit/s3-server.ts): hosts read it there by the client they run. */
import assert from 'node:assert/strict';
import { chmod, cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { pushArchive, readBucket, refreshArchive, S3Bucket } from '#archive';
import { indexPath } from '#domain';
import { systemClock } from '#host';
import { openArchive } from '#trust';
import { BUILD_ID, clockAt, newArchive, type OneFolder, publishOne } from '../../../testkit/archive.ts';
import { rootOf } from '../../../testkit/ceremony.ts';
import { tuxtape } from '../../../testkit/cli.ts';
import { S3_ACCESS, type S3Server, s3Region, serveS3 } from '../../../testkit/s3-server.ts';
import { scratch } from '../../../testkit/scratch.ts';

const DAY_MS = 86_400_000;
const PREFIX = 'fleet/one/';

function bucketOf(server: S3Server, more: object = {}): S3Bucket {
  const place = { endpoint: server.endpoint, region: s3Region, bucket: 'livepatches', prefix: PREFIX };
  const clock = { ...systemClock, sleep: () => Promise.resolve() };
  return new S3Bucket({ ...place, ...more }, { ...S3_ACCESS, ...more }, clock);
}

async function indexAt(server: S3Server, root: Buffer, state: string): Promise<string> {
  const archive = await openArchive({ url: `${server.endpoint}/livepatches/${PREFIX}`, root, state });
  return String((await archive.read(indexPath(BUILD_ID), 1 << 20))?.content);
}

async function filled(): Promise<{ home: string; place: OneFolder; root: Buffer }> {
  const home = await scratch();
  const place = await newArchive(home, systemClock, 4);
  await publishOne(place, 'tuxtape_one');
  return { home, place, root: await rootOf(place) };
}

test('an archive is pushed, then only what is new, and hosts read it from the bucket', async () => {
  const { home, place, root } = await filled();
  await using server = await serveS3('livepatches');
  const first = await pushArchive(place, bucketOf(server));
  assert.ok(first.sent > 16);
  const state = join(home, 'host');
  assert.match(await indexAt(server, root, state), /tuxtape_one/);
  assert.equal((await pushArchive(place, bucketOf(server))).sent, 2, 'root.json and the timestamp');
  await publishOne(place, 'tuxtape_two');
  const { sent } = await pushArchive(place, bucketOf(server));
  assert.ok(sent < 16, `${sent} files`);
  assert.match(await indexAt(server, root, state), /tuxtape_two/);
  const writes = server.requests.filter((line) => line.startsWith('PUT'));
  assert.match(writes.at(-1)!, /timestamp\.json$/);
  assert.equal(server.objects.get(`${PREFIX}metadata/timestamp.json`)?.headers['cache-control'], 'no-cache');
  assert.match(String(server.objects.get(`${PREFIX}metadata/1.root.json`)?.headers['cache-control']), /immutable/);
});

test('a push that is cut off anywhere leaves the old archive, and the next one goes on', async () => {
  const { home, place, root } = await filled();
  await using server = await serveS3('livepatches');
  await pushArchive(place, bucketOf(server));
  await publishOne(place, 'tuxtape_two');
  for (let writes = 0; ; writes += 1) {
    let left = writes;
    server.onPut = () => (left-- > 0 ? undefined : 403);
    const done = await pushArchive(place, bucketOf(server)).then(
      () => true,
      (error: { code?: string }) => {
        assert.equal(error.code, 'store-failed');
        return false;
      },
    );
    server.onPut = undefined;
    const index = await indexAt(server, root, join(home, `host-${writes}`));
    assert.equal(/tuxtape_two/.test(index), done, `${writes} writes`);
    if (done) break;
    assert.ok(writes < 40);
  }
});

test('a bucket never goes back, and of two that push at once one is told', async () => {
  const { home, place } = await filled();
  await using server = await serveS3('livepatches');
  const old = { ...place, directory: join(home, 'old') };
  await cp(place.directory, old.directory, { recursive: true });
  await refreshArchive(place);
  await pushArchive(place, bucketOf(server));
  const before = new Map(server.objects);
  await assert.rejects(pushArchive(old, bucketOf(server)), { code: 'store-failed' });
  assert.deepEqual([...server.objects.keys()], [...before.keys()]);
  await refreshArchive(place);
  const key = `${PREFIX}metadata/timestamp.json`;
  server.onPut = (name) => {
    if (name === `${PREFIX}root.json`)
      server.objects.set(key, { ...server.objects.get(key)!, content: Buffer.from('{}') });
    return undefined;
  };
  await assert.rejects(pushArchive(place, bucketOf(server)), { code: 'store-failed', message: /at the same time/ });
  server.onPut = undefined;
  await pushArchive(place, bucketOf(server));
});

test('a busy store is asked again; wrong credentials, regions and clocks are refused at once', async () => {
  const { place } = await filled();
  await using server = await serveS3('livepatches');
  server.busy = 3;
  await pushArchive(place, bucketOf(server));
  const seen = server.requests.length;
  for (const more of [{ secretAccessKey: 'x' }, { accessKeyId: 'x' }, { region: 'us-east-1' }, { bucket: 'other' }])
    await assert.rejects(pushArchive(place, bucketOf(server, more)), { code: 'store-failed' }, JSON.stringify(more));
  const late = new S3Bucket(
    { endpoint: server.endpoint, region: s3Region, bucket: 'livepatches', prefix: PREFIX },
    S3_ACCESS,
    clockAt(-DAY_MS),
  );
  await assert.rejects(pushArchive(place, late), { code: 'store-failed', message: /RequestTimeTooSkewed/ });
  assert.ok(!server.requests.slice(seen).some((line) => line.startsWith('PUT')));
  server.busy = 99;
  await assert.rejects(pushArchive(place, bucketOf(server)), { code: 'store-failed', message: /503/ });
  server.busy = 0;
});

test('what no host can ask for any more is deleted after its time, and nothing of others', async () => {
  const { home, place, root } = await filled();
  await using server = await serveS3('livepatches');
  await pushArchive(place, bucketOf(server));
  server.objects.set(`${PREFIX}notes.txt`, { content: Buffer.from('x'), headers: {}, modified: new Date(0) });
  server.objects.set('other/metadata/x.json', { content: Buffer.from('x'), headers: {}, modified: new Date(0) });
  await publishOne(place, 'tuxtape_two');
  assert.equal((await pushArchive(place, bucketOf(server), { prune: true })).removed, 0);
  for (const thing of server.objects.values()) thing.modified = new Date(0);
  assert.equal((await pushArchive(place, bucketOf(server), { prune: true })).removed, 0, 'snapshots of this week');
  const clock = clockAt(9 * DAY_MS);
  await refreshArchive({ ...place, clock });
  const { removed } = await pushArchive({ ...place, clock }, bucketOf(server), { prune: true });
  assert.ok(removed > 0);
  assert.ok(server.objects.has(`${PREFIX}notes.txt`) && server.objects.has('other/metadata/x.json'));
  const options = { url: `${server.endpoint}/livepatches/${PREFIX}`, root, state: join(home, 'late'), clock };
  assert.ok(await (await openArchive(options)).read(indexPath(BUILD_ID), 1 << 20));
});

test('the command reads where the bucket is from a file, and its secret from another that is nobody else’s', async () => {
  const { home, place } = await filled();
  await using server = await serveS3('livepatches');
  const [file, credentialsFile] = [join(home, 'bucket.json'), join(home, 'credentials.json')];
  const words = { endpoint: server.endpoint, region: s3Region, bucket: 'livepatches', prefix: PREFIX };
  await writeFile(file, JSON.stringify({ ...words, credentialsFile }));
  await writeFile(credentialsFile, JSON.stringify(S3_ACCESS), { mode: 0o600 });
  const { exitCode, stdout } = await tuxtape(['archive', 'push', place.directory, '--bucket', file]);
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /sent \d+ files/);
  await chmod(credentialsFile, 0o644);
  await assert.rejects(readBucket(file), { code: 'store-failed', message: /others can read/ });
  await writeFile(file, JSON.stringify(words));
  const env = { AWS_ACCESS_KEY_ID: S3_ACCESS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_ACCESS.secretAccessKey };
  assert.equal((await tuxtape(['archive', 'push', place.directory, '--bucket', file], env)).exitCode, 0);
  for (const bad of [{ ...words, prefix: '../x/' }, { ...words, endpoint: 'file:///etc' }, { ...words, more: 1 }, {}]) {
    await writeFile(file, JSON.stringify(bad));
    await assert.rejects(readBucket(file), { code: 'store-failed' }, JSON.stringify(bad));
  }
});
