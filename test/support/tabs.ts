/** Tabs of a real browser, for the tests of one file. Without a browser these are skipped. */
import type { Browser, BrowserContext, Page as Tab } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, onTestFinished } from 'vitest';
import { noBrowser, openBrowser } from './browser.ts';
import { until } from './wait-for.ts';

let browser: Browser | null = null;

/** Opens the browser for the tests of the file that calls it. */
export function useBrowser(): void {
  beforeEach(({ skip }) => skip(noBrowser !== null, noBrowser ?? ''));
  beforeAll(async () => {
    if (noBrowser === null) browser = await openBrowser();
  });
  afterAll(async () => browser?.close());
}

/** A window of its own: nothing of another one is in it. */
export async function newWindow(): Promise<BrowserContext> {
  if (browser === null) throw new Error('there is no browser');
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 } });
  onTestFinished(() => context.close());
  return context;
}

/** A tab with the page, once it shows something. @param problems gets what the browser complains of. */
export async function openTab(url: string, problems: string[] = []): Promise<Tab> {
  const tab = await (await newWindow()).newPage();
  tab.on('pageerror', (error) => problems.push(String(error)));
  tab.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  await tab.goto(url);
  await sees(tab, /^rea: /m);
  return tab;
}

/** Waits until a person can read it. */
export function sees(tab: Tab, pattern: RegExp): Promise<true> {
  return until(async () => pattern.test(await tab.locator('body').innerText()), {
    what: `${pattern} on the page`,
    everyMs: 50,
  });
}
