import { existsSync } from 'node:fs';
import { after } from 'node:test';
import { type Browser, chromium } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
/** Nothing is fetched by the browser for itself; as root it has no sandbox of its own. */
const OPTIONS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const hasBrowser = existsSync(CHROMIUM);

let started: Promise<Browser> | undefined;

after(async () => {
  await (await started)?.close();
});

/** One real browser for the tests of this file. */
export function browser(): Promise<Browser> {
  started ??= chromium.launch({ executablePath: CHROMIUM, args: OPTIONS });
  return started;
}
