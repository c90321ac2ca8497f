/** Lists in a real browser: filters in the address, search as one types, keys, export, and what is shown when the server fails. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { HOSTILE } from '../../testkit/sample-server.ts';
import { settled, skip, webServer } from '../../testkit/web-page.ts';

const server = skip === false ? await webServer() : undefined;
const opened = server?.opened ?? (() => Promise.resolve());
const lines = (page: Page) => page.getByRole('table', { name: 'CVEs' }).locator('[data-line]');

test('facets and words narrow the list; the address keeps them, over a reload and back', { skip }, async () => {
  await opened({ path: '/cves' }, async (page) => {
    await settled(page);
    const all = await found(page);
    await page.getByLabel('Severity').selectOption('critical');
    await page.waitForURL(/severity=critical/);
    await foundIs(page, (count) => count < all);
    const few = await found(page);
    assert.ok(few > 0);
    assert.match((await page.getByLabel('Severity').locator('option[value=critical]').textContent()) ?? '', /\(\d+\)$/);
    await page.reload();
    await settled(page);
    await foundIs(page, (count) => count === few);
    await page.getByLabel('Search id, title, text').fill('no such thing at all');
    await page.getByText('No CVE matches').waitFor();
    await page.waitForURL(/q=no/);
    await page.goBack();
    await page.waitForURL((address) => address.search === '');
    await foundIs(page, (count) => count === all);
  });
});

/** How many lines the table says that it has. */
async function found(page: Page): Promise<number> {
  const text = await page.getByRole('table', { name: 'CVEs' }).getAttribute('aria-rowcount');
  return Number(text) - 1;
}

async function foundIs(page: Page, wanted: (count: number) => boolean): Promise<void> {
  const until = Date.now() + 15_000;
  let count = Number.NaN;
  while (Date.now() < until) {
    await lines(page).first().waitFor();
    count = await found(page);
    if (wanted(count)) return;
    await page.waitForTimeout(50);
  }
  assert.fail(`the list has ${count} lines`);
}

test('a time is told in the zone of the reader, the exact one on hover', { skip }, async () => {
  await opened({ path: '/hosts/web-3' }, async (page) => {
    await settled(page);
    const said = await page.locator('time').first().getAttribute('title');
    assert.match(said ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
  });
});

test('keys: the skip link, search, help, pages, and lines one by one', { skip }, async () => {
  await opened({}, async (page) => {
    await settled(page);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to the content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'MAIN');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'detached' });
    await page.keyboard.press('g');
    await page.keyboard.press('c');
    await page.getByRole('heading', { level: 1, name: 'CVEs' }).waitFor();
    await settled(page);
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement?.ariaLabel), 'Search id, title, text');
    await page.keyboard.type(`g${HOSTILE.id}`.slice(1));
    await page.waitForURL(/q=CVE-2026-66666/);
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Delete');
    await page.waitForURL((address) => address.search === '');
    await settled(page);
    await lines(page).getByRole('link').first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/cves\/CVE-/);
    const second = page.url().split('/').at(-1);
    await page.goBack();
    assert.equal(await lines(page).nth(1).getByRole('link').first().textContent(), second);
  });
});

test('single keys can be switched off for good', { skip }, async () => {
  await opened({}, async (page) => {
    await settled(page);
    await page.getByRole('button', { name: 'Keys' }).click();
    await page.getByRole('switch').uncheck({ force: true });
    await page.keyboard.press('Escape');
    await page.reload();
    await settled(page);
    await page.keyboard.press('?');
    await page.keyboard.press('g');
    await page.keyboard.press('c');
    await page.waitForTimeout(300);
    assert.equal(await page.getByRole('dialog').count(), 0);
    assert.equal(new URL(page.url()).pathname, '/');
  });
});

test('a list is saved as a whole, as CSV and as JSON', { skip }, async () => {
  await opened({ path: '/cves' }, async (page) => {
    await settled(page);
    const saved = async (kind: string): Promise<string> => {
      await page.getByRole('button', { name: 'Export' }).click();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('menuitem', { name: kind }).click(),
      ]);
      assert.equal(download.suggestedFilename(), `cves.${kind.toLowerCase()}`);
      return readFile(await download.path(), 'utf8');
    };
    const rows = JSON.parse(await saved('JSON')) as { id: string; title: string }[];
    assert.equal(rows.find(({ id }) => id === HOSTILE.id)?.title, HOSTILE.title);
    const csv = await saved('CSV');
    assert.equal(csv.split('\r\n').length, rows.length + 2, 'names, one line a CVE, and the end');
  });
});

test('when the server fails it is said, nothing is saved, and it can be tried again', { skip }, async () => {
  await opened({ path: '/hosts', failing: true }, async (page) => {
    await settled(page);
    await page.route('**/api/v1/hosts?*', (route) => route.abort());
    await page.getByRole('button', { name: 'Export' }).click();
    await page.getByRole('menuitem', { name: 'CSV' }).click();
    await page.getByText('Nothing was saved').waitFor();
    await page.reload();
    await page.getByText('This could not be loaded').waitFor();
    await page.unroute('**/api/v1/hosts?*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('web-quiet').waitFor();
  });
});

test('an address of nothing answers with the code of the server, not with an empty page', { skip }, async () => {
  for (const path of ['/cves/CVE-2026-99999', '/livepatches/none', '/hosts/none'])
    await opened({ path, failing: true }, async (page) => {
      await page.getByRole('alert').filter({ hasText: 'This could not be loaded' }).first().waitFor();
    });
});
