/**
 * Takes docs/ui.png: the page of `rea ui` in a real browser, of the same servers as docs/status.svg. What stands there is what was
 * shown, apart from the directory, which is that of this run.
 *
 *   npm run build && node scripts/page-picture.mjs [--out docs/ui.png]
 *
 * Needs Chromium at /usr/bin/chromium, or where REA_TEST_BROWSER says.
 */
import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { entry, env, inWorld, SHOWN_AS, shop, until } from './picture/world.mjs';

const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: fileURLToPath(new URL('../docs/ui.png', import.meta.url)) },
  },
});
/** For some samples of memory and CPU. */
const LOOK_MS = 26_000;

await inWorld(async () => {
  const browser = await chromium.launch({
    executablePath: process.env.REA_TEST_BROWSER ?? '/usr/bin/chromium',
    // Without colours around its letters a picture is smaller.
    args: ['--no-sandbox', '--disable-lcd-text'],
  });
  try {
    const words = [entry, 'ui', '--json', '--cwd', shop];
    const { stdout } = await promisify(execFile)(process.execPath, words, { env });
    const page = await browser.newPage({ viewport: { width: 960, height: 640 } });
    await page.addInitScript(`
      const asked = fetch;
      fetch = async (...about) => {
        const { status, text } = await asked(...about).then(async (answer) => ({
          status: answer.status,
          text: await answer.text(),
        }));
        return new Response(text.replaceAll('${dirname(shop)}', '${dirname(SHOWN_AS)}'), { status });
      };
    `);
    await page.goto(JSON.parse(stdout).url);
    await page.waitForTimeout(LOOK_MS);
    await until(async () => /2 failed/.test(await page.locator('#summary').innerText()));
    await page.screenshot({ path: options.out });
  } finally {
    await browser.close();
  }
});
