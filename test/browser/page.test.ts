/** The page, in a real browser. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { hashPassword, hotp, newTotpSecret, totpStep } from '#identity';
import { addAccount, setTotp } from '#store';
import { browser, hasBrowser } from '../../testkit/browser.ts';
import { everywhere } from '../../testkit/identity.ts';
import { HOSTILE, listeningServer } from '../../testkit/sample-server.ts';

const built = existsSync(join(import.meta.dirname, '../../build/web/index.html'));
const skip = !hasBrowser ? 'there is no Chromium' : !built && 'the page is not built: run "make test"';

const PASSWORD = 'correct horse battery';

/** Opens the page; anything it logs as an error fails the test. */
async function opened(
  body: (page: Page, url: string) => Promise<void>,
  options: { width?: number; colorScheme?: 'light' | 'dark'; path?: string } = {},
): Promise<void> {
  const { app, url } = await listeningServer();
  const { width = 1280, colorScheme = 'light', path = '/' } = options;
  const context = await (await browser()).newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(error.message));
  try {
    await page.goto(`${url}${path}`);
    await page.getByRole('table').waitFor();
    await body(page, url);
    assert.deepEqual(errors, []);
  } finally {
    await context.close();
    await app.close();
  }
}

test('the page says that it shows sample data, and the CVEs of a kernel by severity', { skip }, async () => {
  await opened(async (page) => {
    const notes = await page.getByRole('status').allTextContents();
    assert.equal(notes.length, 2);
    assert.match(notes[0] ?? '', /Sample data/);
    assert.match(notes[1] ?? '', /Not read yet.*CISA KEV/);
    const first = page.getByRole('row').nth(1);
    assert.match((await first.textContent()) ?? '', /CVE-\d{4}-\d+(Critical|High) \d/);
    assert.ok(
      Number(await page.getByRole('region', { name: 'Affected', exact: true }).locator('p').nth(1).textContent()) > 0,
    );
  });
});

test('a row opens its evidence, the address keeps it, and a reload shows it again', { skip }, async () => {
  await opened(async (page) => {
    const button = page.getByRole('table').getByRole('button').first();
    const cve = await button.textContent();
    await button.click();
    const evidence = page.getByRole('region', { name: `Evidence for ${cve}` });
    await evidence.waitFor();
    assert.match((await evidence.textContent()) ?? '', /Versions.*Build/s);
    await evidence.getByText(/^The CNA says \d/).waitFor();
    await evidence.getByText(/^Reached by /).waitFor();
    await page.reload();
    await evidence.waitFor();
    await page.goBack();
    await evidence.waitFor({ state: 'detached' });
    assert.ok(await page.getByRole('table').isVisible(), 'back on the list, not off the page');
  });
});

test('search and verdict narrow the list; nothing found is said', { skip }, async () => {
  await opened(async (page) => {
    await page.getByLabel('Verdict').selectOption('not_affected');
    await page
      .getByText(/not in this build|came in/)
      .first()
      .waitFor();
    await page.getByLabel('Search CVE, title or file').fill('no such thing at all');
    await page.getByText('No CVE matches').waitFor();
  });
});

test('text of a CVE is text, whatever it holds', { skip }, async () => {
  await opened(
    async (page) => {
      await page.getByText(HOSTILE.title).waitFor();
      assert.equal(await page.title(), 'TuxTape');
      assert.equal(await page.locator('table img, table script').count(), 0);
    },
    { path: `/?status=all&q=${HOSTILE.id}` },
  );
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 390]) {
    test(`${colorScheme}, ${width} pixels: nothing is cut off, and axe finds no fault`, { skip }, async () => {
      await opened(
        async (page) => {
          await page.getByRole('table').getByRole('button').first().click();
          await page.getByText(/^Why affected/).waitFor();
          const { violations } = await new AxeBuilder({ page }).analyze();
          assert.deepEqual(
            violations.map(({ id, nodes }) => [id, nodes[0]?.html]),
            [],
          );
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
          assert.ok(wide <= 0, `the page is ${wide} pixels wider than the window`);
        },
        { colorScheme, width },
      );
    });
  }
}

test('with accounts the page asks for a login, then shows what it shows, until one logs out', { skip }, async () => {
  const { app, url, store } = await listeningServer();
  const password = await hashPassword(PASSWORD, 'jane');
  const jane = { name: 'jane', password, subject: null, grants: [everywhere('viewer')] };
  await addAccount(store.db, jane, { by: 'test', at: new Date() });
  const context = await (await browser()).newContext();
  const page = await context.newPage();
  try {
    await page.goto(url);
    await page.getByLabel('Name').fill('jane');
    await page.getByLabel('Password', { exact: false }).first().fill('not this one');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('alert').getByText('are not right').waitFor();
    const { violations } = await new AxeBuilder({ page }).analyze();
    assert.deepEqual(
      violations.map(({ id, nodes }) => [id, nodes[0]?.html]),
      [],
    );
    const secret = newTotpSecret();
    await setTotp(store.db, 'jane', secret, { by: 'test', at: new Date() });
    await page.getByLabel('Password', { exact: false }).first().fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByLabel('One-time code').fill(hotp(secret, totpStep(new Date())));
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('table').waitFor();
    assert.equal(await page.evaluate(() => document.cookie), '', 'no script sees the session');
    await page.getByRole('button', { name: 'Log out jane' }).click();
    await page.getByLabel('Name').waitFor();
    assert.equal(await page.getByRole('table').count(), 0);
  } finally {
    await context.close();
    await app.close();
  }
});

test('everything works with the keyboard', { skip }, async () => {
  await opened(async (page) => {
    const button = page.getByRole('table').getByRole('button').first();
    for (let i = 0; i < 12 && !(await button.evaluate((element) => element === document.activeElement)); i += 1) {
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await page.getByText(/^Why affected/).waitFor();
  });
});
