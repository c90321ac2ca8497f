/** A release manager stops a rollout in a real browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashPassword } from '#identity';
import { addAccount, listKernels, untakenAsks } from '#store';
import { browser } from '../../testkit/browser.ts';
import { everywhere } from '../../testkit/identity.ts';
import { listeningServer } from '../../testkit/sample-server.ts';
import { assertAccessible, settled, skip } from '../../testkit/web-page.ts';
import { addRolledOut } from '../../testkit/web-world.ts';

const PASSWORD = 'correct horse battery';

test('halted by whoever may, with a reason; a viewer is offered nothing', { skip }, async () => {
  const { app, url, store } = await listeningServer();
  const { id, controller } = await addRolledOut(store, (await listKernels(store.db))[0]!.buildId!);
  const context = await (await browser()).newContext();
  try {
    for (const [name, role] of [
      ['max', 'release-manager'],
      ['vera', 'viewer'],
    ] as const) {
      const password = await hashPassword(PASSWORD, name);
      const account = { name, password, subject: null, grants: [everywhere(role)] };
      await addAccount(store.db, account, { by: 'test', at: new Date() });
    }
    const page = await context.newPage();
    const logIn = async (name: string): Promise<void> => {
      await page.getByLabel('Name').fill(name);
      await page.getByLabel('Password', { exact: false }).first().fill(PASSWORD);
      await page.getByRole('button', { name: 'Log in' }).click();
      await settled(page);
    };
    await page.goto(`${url}/rollouts/${id}`);
    await logIn('max');
    await page.getByRole('button', { name: 'Halt', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('the disks of rack 4');
    await assertAccessible(page, 'asking');
    await dialog.getByRole('button', { name: 'Halt', exact: true }).click();
    await page.getByText('Asked for, not done yet: halt').waitFor();
    const [, halt] = await untakenAsks(store.db, id);
    assert.deepEqual([halt?.command.do, halt?.command.by], ['halt', 'max']);
    await controller.roundBetween();
    // Told, not asked for: what is read again by and by is so every 30 s.
    await page.getByText('Halted', { exact: true }).waitFor({ timeout: 15_000 });
    await page.getByRole('button', { name: 'Resume', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Log out max' }).click();
    await logIn('vera');
    await page.getByText('Halted', { exact: true }).waitFor();
    assert.equal(await page.getByRole('group', { name: 'Ask for' }).count(), 0);
  } finally {
    await context.close();
    await app.close();
  }
});
