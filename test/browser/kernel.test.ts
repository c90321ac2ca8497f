/** The page of a kernel, in a real browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skip, webServer } from '../../testkit/web-page.ts';

const server = skip === false ? await webServer() : undefined;
const opened = server?.opened ?? (() => Promise.resolve());
const path = `/kernels/${server?.kernel}`;

test('the page says that it shows sample data, and the CVEs of a kernel by severity', { skip }, async () => {
  await opened({ path }, async (page) => {
    await page.getByRole('table').waitFor();
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
  await opened({ path }, async (page) => {
    await page.getByRole('table').waitFor();
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
  await opened({ path }, async (page) => {
    await page.getByRole('table').waitFor();
    await page.getByLabel('Verdict').selectOption('not_affected');
    await page
      .getByText(/not in this build|came in/)
      .first()
      .waitFor();
    await page.getByLabel('Search CVE, title or file').fill('no such thing at all');
    await page.getByText('No CVE matches').waitFor();
  });
});

test('the map: a picture, and a table whose folders narrow the list', { skip }, async () => {
  await opened({ path }, async (page) => {
    await page.getByRole('button', { name: 'Show what is compiled' }).click();
    await page.locator('.map-picture svg').waitFor();
    await page.getByRole('group', { name: 'Folders' }).getByRole('link', { name: 'net/sched' }).click();
    await page.waitForURL(/q=net%2Fsched%2F/);
    assert.match(page.url(), /map=true/);
    await page
      .getByText(/^net\/sched\//)
      .first()
      .waitFor();
  });
});
