/**
 * Pages and what they read with 15,000 CVEs x 50 kernels and 100,000 hosts in PostgreSQL, in headless Chromium: how long until the first
 * useful lines are painted, until a choice or a letter shows, and how many bytes the first page takes. Baseline of each answer: the
 * emptiest one, /healthz.
 */
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { createLogger } from '#host';
import { openStore } from '#store';
import { createApp } from '../src/server/app.ts';
import { browser, hasBrowser } from '../testkit/browser.ts';
import { machine, ROOT, withFolder } from './measure.ts';
import { fill } from './web/fill.ts';

const SIZE = { cves: 15_000, kernels: 50, hosts: 100_000 };
const RUNS = 5;
/** A change that has not come by then does not come. */
const LONGEST_MS = 10_000;
const ANSWERS = [
  '/healthz',
  '/api/v1/overview',
  '/api/v1/cve-lines?limit=200',
  '/api/v1/cve-lines?limit=200&cursor=14000',
  '/api/v1/cve-lines?limit=200&q=ext4%20bounds',
  '/api/v1/cve-facets',
  '/api/v1/cve-facets?q=ext4%20bounds',
  '/api/v1/cves/CVE-2021-10001/kernels',
  '/api/v1/kernels/kernel-7/summary',
  '/api/v1/kernels/kernel-7/verdicts?status=affected',
  '/api/v1/hosts?limit=200',
  '/api/v1/hosts?limit=200&q=host-0999',
  '/api/v1/hosts?limit=200&silent=true',
  '/api/v1/fleet',
  '/api/v1/reports?limit=200',
];

if (!hasBrowser || !existsSync(join(ROOT, 'build/web/index.html')))
  console.log('skipped: there is no Chromium, or the pages are not built ("make test" does it)');
else await withFolder(bench);

async function bench(home: string): Promise<void> {
  console.log(`web, ${SIZE.cves} CVEs x ${SIZE.kernels} kernels, ${SIZE.hosts} hosts, ${machine()}`);
  const store = await openStore({ dataDirectory: join(home, 'data'), databaseUrl: null });
  const started = performance.now();
  await fill(store, SIZE);
  console.log(`filled in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  const app = await createApp({ store, sources: new Map(), version: 'bench', log: createLogger('silent') });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  for (const path of ANSWERS) console.log(`${path}: ${(await answerOf(`${url}${path}`)).toFixed(0)} ms`);
  await pages(url);
  await (await browser()).close();
  await app.close();
  await store.close();
}

/** Median over the runs, ms; the body is read. */
async function answerOf(url: string): Promise<number> {
  return median(async () => {
    const started = performance.now();
    const response = await fetch(url);
    if (!response.ok) throw new TypeError(`${url}: ${response.status}`);
    await response.text();
    return performance.now() - started;
  });
}

async function median(body: () => Promise<number>): Promise<number> {
  const all: number[] = [];
  for (let i = 0; i < RUNS; i += 1) all.push(await body());
  return all.toSorted((a, b) => a - b)[RUNS >> 1]!;
}

async function pages(url: string): Promise<void> {
  for (const [path, useful] of [
    ['/', 'table tbody tr'],
    ['/cves', '[data-line]'],
    ['/hosts', '[data-line]'],
    ['/kernels/kernel-7', 'table tbody tr'],
  ] as const) {
    let bytes = 0;
    const ms = await median(async () => {
      const context = await (await browser()).newContext({ viewport: { width: 1280, height: 900 } });
      const page = await context.newPage();
      bytes = 0;
      page.on('response', async (response) => {
        if (/\.(?:js|css)$/.test(response.url())) bytes += gzipSync(await response.body()).length;
      });
      await page.goto(`${url}${path}`);
      const seen = await timeOf(page, useful);
      await page.waitForLoadState('networkidle');
      await context.close();
      return seen;
    });
    console.log(
      `${path}: first useful paint ${ms.toFixed(0)} ms, code and styles ${(bytes / 1000).toFixed(0)} kB gzip`,
    );
  }
  await interactions(url);
}

/** Milliseconds from the start of the navigation to the frame in which something is there. */
function timeOf(page: Page, selector: string): Promise<number> {
  return page.evaluate(
    (wanted) =>
      new Promise<number>((resolve) => {
        const look = (): void => {
          if (document.querySelector(wanted) === null) requestAnimationFrame(look);
          else requestAnimationFrame(() => resolve(performance.now()));
        };
        look();
      }),
    selector,
  );
}

async function interactions(url: string): Promise<void> {
  const page = await (await browser()).newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(`${url}/cves`);
  await page.waitForLoadState('networkidle');
  const changed = (act: () => Promise<unknown>): Promise<number> => untilChanged(page, act);
  let turn = 0;
  const choice = await median(async () => {
    turn += 1;
    return changed(() => page.getByLabel('Severity').selectOption(turn % 2 === 1 ? 'critical' : 'low'));
  });
  console.log(`a facet chosen, until the lines are others: ${choice.toFixed(0)} ms`);
  await page.getByLabel('Severity').selectOption('');
  await page.waitForLoadState('networkidle');
  const typed = await median(async () => {
    turn += 1;
    return changed(() => page.getByLabel('Search id, title, text').fill(`function_${turn}`));
  });
  console.log(
    `words typed, until the lines are others (150 ms of it are the wait for the next letter): ${typed.toFixed(0)} ms`,
  );
  await page.getByLabel('Search id, title, text').fill('');
  await page.waitForLoadState('networkidle');
  const scrolled = await median(() => changed(() => page.mouse.wheel(0, 2_000)));
  console.log(`a wheel of 2,000 pixels, until other lines stand there: ${scrolled.toFixed(0)} ms`);
  await page.context().close();
}

/** From the act to the frame in which the lines that are drawn are others, by the page's own clock. */
async function untilChanged(page: Page, act: () => Promise<unknown>): Promise<number> {
  await page.evaluate((longest) => {
    const lines = (): string => [...document.querySelectorAll('[data-line]')].map((line) => line.textContent).join();
    const before = lines();
    const started = performance.now();
    const seen = new Promise<number>((resolve) => {
      const look = (): void => {
        const took = performance.now() - started;
        if (lines() !== before || took > longest) resolve(took);
        else requestAnimationFrame(look);
      };
      look();
    });
    (globalThis as unknown as { seen: Promise<number> }).seen = seen;
  }, LONGEST_MS);
  await act();
  return page.evaluate(() => (globalThis as unknown as { seen: Promise<number> }).seen);
}
