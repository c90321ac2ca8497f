/** The login of a server with accounts, in a real browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { hashPassword, hotp, newTotpSecret, totpStep } from '#identity';
import { addAccount, setTotp } from '#store';
import { browser } from '../../testkit/browser.ts';
import { everywhere } from '../../testkit/identity.ts';
import { listeningServer } from '../../testkit/sample-server.ts';
import { assertAccessible, settled, skip } from '../../testkit/web-page.ts';
import { EVIL } from '../../testkit/web-world.ts';

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

test('the audit log is on a page of administrators: what was done, whether its chain holds, and where it does not', {
  skip,
}, async () => {
  const { app, url, store } = await listeningServer();
  for (const [name, role] of [
    ['ada', 'admin'],
    ['vera', 'viewer'],
  ] as const) {
    const password = await hashPassword(PASSWORD, name);
    const account = { name, password, subject: null, grants: [everywhere(role)] };
    await addAccount(store.db, account, { by: `test ${EVIL}`, at: new Date() });
  }
  const context = await (await browser()).newContext({ viewport: { width: 390, height: 900 } });
  const page = await context.newPage();
  const logIn = async (name: string): Promise<void> => {
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Password', { exact: false }).first().fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await settled(page);
  };
  try {
    await page.goto(`${url}/audit`);
    await logIn('ada');
    await page.getByText('The chain holds').waitFor();
    await page.getByText('account.add').first().waitFor();
    await page.getByLabel('Who').fill(`test ${EVIL}`);
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await page.getByText(`by test ${EVIL}`).first().waitFor();
    await settled(page);
    await assertAccessible(page, 'audit');
    await sql`ALTER TABLE audit DISABLE TRIGGER USER`.execute(store.db);
    await store.db.updateTable('audit').set({ reason: 'another' }).where('subject', '=', 'vera').execute();
    await sql`ALTER TABLE audit ENABLE TRIGGER USER`.execute(store.db);
    await page.reload();
    await page.getByRole('alert').getByText('The chain is broken').waitFor();
    await page.getByRole('button', { name: 'Log out ada' }).click();
    await logIn('vera');
    await page.getByText('this needs admin').first().waitFor();
    await page.getByRole('button', { name: 'Open the menu' }).click();
    await page.getByRole('link', { name: 'Fleet', exact: true }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'Audit log' }).count(), 0);
  } finally {
    await context.close();
    await app.close();
  }
});
