/** Every page in a real browser: by link, by deep link, in both themes, wide and narrow, with hostile text in all of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOSTILE } from '../../testkit/sample-server.ts';
import { assertAccessible, settled, skip, webServer } from '../../testkit/web-page.ts';
import { EVIL, UNDECIDED } from '../../testkit/web-world.ts';

const server = skip === false ? await webServer() : undefined;
const { kernel, opened, url } = server ?? { kernel: '', opened: () => Promise.resolve(), url: '' };
const answer = skip === false ? await fetch(`${url}/api/v1/jobs`) : undefined;
const job = answer === undefined ? '' : ((await answer.json()) as { jobs: { id: string }[] }).jobs[0]!.id;
const rolled = skip === false ? await fetch(`${url}/api/v1/rollouts`) : undefined;
const rollout = rolled === undefined ? '' : ((await rolled.json()) as { id: string }[])[0]!.id;

/** Address, heading, and a word that is there once it is loaded. */
const PAGES: readonly (readonly [string, string, string])[] = [
  ['/', 'Overview', '→'],
  ['/cves', 'CVEs', 'CVE-2026-53006'],
  [`/cves/${HOSTILE.id}?kernel=${kernel}`, HOSTILE.title, 'The CVE states no affected ranges.'],
  ['/kernels', 'Kernels', UNDECIDED],
  [`/kernels/${kernel}`, `Kernel ${kernel}`, 'Under investigation'],
  [`/kernels/${kernel}?map=true`, `Kernel ${kernel}`, 'net/sched'],
  [`/kernels/${UNDECIDED}?map=true`, `Kernel ${UNDECIDED}`, 'it has no profile yet'],
  ['/livepatches', 'Livepatches', 'tuxtape_one'],
  ['/livepatches/one', 'tuxtape_one', 'return -EINVAL;'],
  ['/hosts', 'Fleet', 'web-quiet'],
  ['/hosts/web-3', 'web-3', 'Timeline'],
  ['/rollouts', 'Rollouts', 'made by jane'],
  [`/rollouts/${rollout}`, `Release 7 of ${kernel}`, 'Asked for, not done yet: pause'],
  ['/reports?key=warn-1', 'Kernel reports', 'web-3'],
  ['/builders', 'Builders and jobs', 'tuxtape_two'],
  [`/builders/jobs/${job}`, 'Job tuxtape_two', '(nothing yet)'],
  ['/nowhere', 'Nothing here', 'To the overview'],
];

for (const colorScheme of ['light', 'dark'] as const)
  for (const width of [1280, 390])
    test(`by deep link, ${colorScheme}, ${width} pixels: loaded, inert, and no fault of access`, { skip }, async () => {
      for (const [path, heading, word] of PAGES)
        await opened({ path, colorScheme, width }, async (page) => {
          await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
          await page.getByText(word).filter({ visible: true }).first().waitFor();
          await settled(page);
          assert.match(await page.title(), / · TuxTape$/, path);
          assert.equal(await page.locator('main img, main script').count(), 0, path);
          await assertAccessible(page, path);
        });
    });

test('hostile words of records, people, lints, patches, hosts and kernels are shown as they are', {
  skip,
}, async () => {
  for (const [path, text] of [
    [`/cves?q=${HOSTILE.id}`, HOSTILE.title],
    [`/cves/${HOSTILE.id}`, `look here ${EVIL}`],
    [`/kernels/${kernel}?status=all&q=${HOSTILE.id}`, HOSTILE.title],
    ['/livepatches/one', `a structure may grow ${EVIL}`],
    ['/livepatches/one', `return old; /* ${EVIL} */`],
    ['/hosts/web-3', `Alarm: stuck ${EVIL}`],
    [`/rollouts/${rollout}`, `wait ${EVIL}`],
    ['/reports', `WARNING in dev_open ${EVIL}`],
    ['/', `WARNING in dev_open ${EVIL}`],
  ] as const)
    await opened({ path }, async (page) => {
      await page.getByText(text).first().waitFor();
      assert.notEqual(await page.title(), 'owned');
      assert.equal(await page.locator('main img, main script').count(), 0);
    });
});

test('every page is reached by links from the first one', { skip }, async () => {
  await opened({}, async (page) => {
    const go = async (name: string, heading: string): Promise<void> => {
      await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
      await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
    };
    const follow = async (name: string, heading: string | RegExp): Promise<void> => {
      await page.getByRole('main').getByRole('link', { name, exact: true }).first().click();
      await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    };
    await go('CVEs', 'CVEs');
    await follow('CVE-2026-53006', /ipv6/);
    await go('Kernels', 'Kernels');
    await follow(kernel, `Kernel ${kernel}`);
    await follow('Livepatches of this kernel', 'Livepatches');
    await follow('tuxtape_one', 'tuxtape_one');
    await go('Fleet', 'Fleet');
    await follow('web-3', 'web-3');
    await go('Rollouts', 'Rollouts');
    await follow(`Release 7 of ${kernel}`, `Release 7 of ${kernel}`);
    await go('Kernel reports', 'Kernel reports');
    await follow(`WARNING in dev_open ${EVIL}`, 'Kernel reports');
    await page.getByRole('region', { name: 'Hosts that reported it', exact: true }).waitFor();
    await go('Builders and jobs', 'Builders and jobs');
    await follow('tuxtape_two', 'Job tuxtape_two');
    await go('Overview', 'Overview');
  });
});

test('on a narrow screen the menu opens, leads on, and closes', { skip }, async () => {
  await opened({ width: 390 }, async (page) => {
    await page.getByRole('button', { name: 'Open the menu' }).click();
    await page.getByRole('navigation').getByRole('link', { name: 'Fleet', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Fleet', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Open the menu' }).waitFor();
  });
});

test('unknown is said to be unknown: a kernel nobody decided, a silent host, a host on a kernel nobody knows', {
  skip,
}, async () => {
  await opened({}, async (page) => {
    const row = page.getByRole('row').filter({ hasText: UNDECIDED });
    await row.getByText('Not decided').waitFor();
    assert.doesNotMatch((await row.textContent()) ?? '', /\b0\b/);
  });
  await opened({ path: '/hosts?q=web-q' }, async (page) => {
    await page.getByRole('table', { name: 'Hosts' }).getByText('Silent').filter({ visible: true }).waitFor();
  });
  await opened({ path: '/hosts/web-5' }, async (page) => {
    await page.getByText('nobody can say what matters to it').waitFor();
  });
});
