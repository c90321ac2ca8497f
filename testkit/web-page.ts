import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { browser, hasBrowser } from './browser.ts';
import { listeningServer } from './sample-server.ts';
import { fillWorld } from './web-world.ts';

const built = existsSync(join(import.meta.dirname, '../build/web/index.html'));
/** Why tests of pages cannot run here; false: they can. */
export const skip = !hasBrowser ? 'there is no Chromium' : !built && 'the pages are not built: run "make test"';

/** WCAG 2.2, levels A and AA, and what axe knows besides. */
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

export interface Opening {
  readonly path?: string;
  readonly width?: number;
  readonly colorScheme?: 'light' | 'dark';
  /** What the page logs as an error is expected. */
  readonly failing?: boolean;
}

export interface WebServer {
  readonly url: string;
  /** Name of the kernel that is decided. */
  readonly kernel: string;
  /** Opens a page in a browser of its own; anything it logs as an error fails the test. */
  readonly opened: (options: Opening, body: (page: Page) => Promise<void>) => Promise<void>;
}

/** One server on the sample and the rest of what pages show, for the tests of a file. */
export async function webServer(): Promise<WebServer> {
  const { app, url, kernel, store } = await listeningServer();
  after(() => app.close());
  await fillWorld(store, kernel);
  const opened: WebServer['opened'] = async (options, body) => {
    const { path = '/', width = 1280, colorScheme = 'light', failing = false } = options;
    const context = await (await browser()).newContext({ viewport: { width, height: 900 }, colorScheme });
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    page.on('pageerror', (error) => errors.push(error.message));
    try {
      await page.goto(`${url}${path}`);
      await body(page);
      if (!failing) assert.deepEqual(errors, [], path);
    } finally {
      await context.close();
    }
  };
  return { url, kernel, opened };
}

/** Waits until the page has what it asked for. */
export async function settled(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null);
}

/** No fault by axe, and nothing wider than the window. */
export async function assertAccessible(page: Page, what: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  assert.deepEqual(
    violations.map(({ id, nodes }) => [id, nodes[0]?.html]),
    [],
    what,
  );
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wide <= 0, `${what} is ${wide} pixels wider than the window`);
}
