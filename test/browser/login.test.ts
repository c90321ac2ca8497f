/** The login of a server with accounts, in a real browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashPassword, hotp, newTotpSecret, totpStep } from '#identity';
import { addAccount, setTotp } from '#store';
import { browser } from '../../testkit/browser.ts';
import { everywhere } from '../../testkit/identity.ts';
import { listeningServer } from '../../testkit/sample-server.ts';
import { assertAccessible, skip } from '../../testkit/web-page.ts';

const PASSWORD = 'correct horse battery';

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
    await assertAccessible(page, 'login');
    const secret = newTotpSecret();
    await setTotp(store.db, 'jane', secret, { by: 'test', at: new Date() });
    await page.getByLabel('Password', { exact: false }).first().fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByLabel('One-time code').fill(hotp(secret, totpStep(new Date())));
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('navigation', { name: 'Pages' }).waitFor();
    assert.equal(await page.evaluate(() => document.cookie), '', 'no script sees the session');
    await page.getByRole('button', { name: 'Log out jane' }).click();
    await page.getByLabel('Name').waitFor();
    assert.equal(await page.getByRole('navigation', { name: 'Pages' }).count(), 0);
  } finally {
    await context.close();
    await app.close();
  }
});
