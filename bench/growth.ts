/** How time and memory grow with the number of CVEs (synthesised): first sync, nothing new, one new mail, top 100. */
import { join } from 'node:path';
import { buildSampleFeed, importStream, type SampleCve, sampleMail } from '#feed';
import { openStore, searchCves } from '#store';
import { machine, measure, report, withFolder } from './measure.ts';

const SIZES = [1_000, 15_000, 150_000];
const LISTS = 25;
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const SUBSYSTEMS = [
  'net/core',
  'fs/ext4',
  'drivers/usb/core',
  'net/netfilter',
  'kernel/bpf',
  'drivers/gpu/drm',
  'mm',
  'sound/usb',
];
const BUGS = [
  'use-after-free',
  'out-of-bounds read',
  'null pointer dereference',
  'memory leak',
  'deadlock',
  'double free',
];

/** As long as the median of the real records (TRIAGE.md): about 1,500 characters of text and two files. */
function synthesised(index: number): SampleCve {
  const folder = SUBSYSTEMS[index % SUBSYSTEMS.length]!;
  const bug = BUGS[(index * 7) % BUGS.length]!;
  const sentence = `The ${bug} number ${index} happens when the object of ${folder} is released while it is in use. `;
  return {
    id: `CVE-${2024 + (index % 3)}-${10_000 + index}`,
    state: index % 50 === 0 ? 'rejected' : 'published',
    title: `${folder.replace('/', ': ')}: fix ${bug} in sample_${index}()`,
    description: sentence.repeat(14),
    files: [`${folder}/sample_${index % 997}.c`, `include/linux/sample_${index % 97}.h`],
    dyad: [`5.4:${COMMIT}:6.1.171:${COMMIT}`, `5.4:${COMMIT}:6.6.90:${COMMIT}`],
    cvss: index % 3 === 0 ? 'CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H' : null,
  };
}

console.log(`growth, ${machine()}`);
for (const size of SIZES)
  await withFolder(async (home) => {
    const { lore, vulns } = await buildSampleFeed(
      home,
      Array.from({ length: size }, (_, i) => synthesised(i)),
    );
    const data = join(home, 'data');
    const sync = (): ReturnType<typeof measure> =>
      measure('node', ['src/cli/main.ts', '--data', data, 'feed', 'sync', '--lore', lore, '--vulns', vulns]);
    const first = await sync();
    report(`${size} CVEs, first sync`, first);
    console.log(`  ${((first.seconds * 1000) / size).toFixed(2)} ms a CVE`);
    report(`${size} CVEs, nothing new`, await sync());
    const mail = sampleMail(synthesised(size + 1), 1);
    const head =
      'commit refs/heads/master\ncommitter B <b@example.org> 1790000000 +0000\ndata 1\nx\nfrom refs/heads/master^0\n';
    await importStream(join(lore, '0.git'), `${head}M 100644 inline m\ndata ${Buffer.byteLength(mail)}\n${mail}\n`);
    report(`${size} CVEs, one new mail, ranked`, await sync());
    const store = await openStore({ dataDirectory: data, databaseUrl: null });
    const times: number[] = [];
    for (let i = 0; i < LISTS; i += 1) {
      const started = performance.now();
      await searchCves(store.db, { sort: 'priority', limit: 100 });
      times.push(performance.now() - started);
    }
    await store.close();
    const middle = times.toSorted((a, b) => a - b)[LISTS >> 1]!;
    console.log(
      `${size} CVEs, top 100 of all: ${middle.toFixed(1)} ms (median of ${LISTS}), first ${times[0]!.toFixed(1)} ms`,
    );
  });
