/** The page of `rea ui` in a real browser: what a person does there, and what others try. */
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { REBOUND } from '../support/browser.ts';
import { servePage } from '../support/page.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea, writeRegistry } from '../support/rea-process.ts';
import { hold } from '../support/reloading.ts';
import { fixture, fixturePath, registry } from '../support/servers.ts';
import { newWindow, openTab, sees, useBrowser } from '../support/tabs.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
useBrowser();
afterEach(tidy);

function pidOf(rea: Rea, server: string): number | null | undefined {
  return rea.state()?.downstreams.find(({ name }) => name === server)?.pid;
}

test('a person sees what is wrong and why, restarts, freezes, and tries a tool, by keyboard alone', async () => {
  const servers = { one: fixture('echo'), broken: fixture('exit-at-start') };
  const rea = await startRea({ config: registry(servers, { restart: { intensity: 1 } }) });
  await rea.waitForPhase('one', 'ready');
  await rea.waitForPhase('broken', 'failed');
  const page = await servePage(rea);
  const problems: string[] = [];
  const tab = await openTab(page.url, problems);
  // The address can be shown to others, and nothing goes along with requests by itself.
  expect(tab.url()).toBe(`http://127.0.0.1:${page.port}/ui`);
  expect(await tab.context().cookies()).toEqual([]);

  // The words of `rea status`.
  const { stdout } = await runRea(['status', '--cwd', rea.dir]);
  const summary = stdout.split('\n', 1)[0];
  expect(await tab.locator('#summary').innerText()).toBe(summary);
  const { json } = await rea.status();
  const { cause, action } = json.serve.downstreams.find(({ name }: any) => name === 'broken');
  const text = await tab.locator('#servers').innerText();
  expect(text).toContain(cause);
  expect(text).toContain(`→ ${action}`);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`→ ${action}`);

  const old = pidOf(rea, 'one');
  await tab.getByRole('button', { name: 'Restart one' }).focus();
  await tab.keyboard.press('Enter');
  await sees(tab, /^restart one: ready$/m);
  await rea.waitForServer('one', ({ pid, phase }) => phase === 'ready' && pid !== old, {
    what: 'restarted',
  });
  // Where a call is in flight it asks; whoever says no has done nothing.
  const inFlight = await hold(rea, 'one');
  const calls = tab.locator('.servers tr', { has: tab.getByRole('rowheader', { name: 'one' }) });
  await until(async () => (await calls.locator('[data-label=calls]').innerText()) === '1', {
    what: 'the call',
  });
  const now = pidOf(rea, 'one');
  await tab.keyboard.press('Enter');
  await sees(tab, /^Restart one\? 1 call in flight or waiting: they end first/m);
  await tab.keyboard.press('Escape');
  await until(async () => !(await tab.locator('dialog').isVisible()), { what: 'no question' });
  // It is where it was.
  expect(await tab.locator(':focus').getAttribute('aria-label')).toBe('Restart one');
  await inFlight.end();
  expect(pidOf(rea, 'one')).toBe(now);

  await tab.locator('#freeze').focus();
  await tab.keyboard.press('Enter');
  await tab.keyboard.type('over lunch');
  await tab.keyboard.press('Enter');
  await sees(tab, /^HALT: every call is refused: over lunch$/m);
  expect((await rea.call('one__pid')).failure).toMatchObject({ code: 'ERR_HALTED' });

  await tab.locator('#tab-servers').focus();
  for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight']) await tab.keyboard.press(key);
  await tab.getByRole('button', { name: 'one__echo' }).focus();
  await tab.keyboard.press('Enter');
  await sees(tab, /^tier: read .*[\s\S]*^decision: allowed$/m);
  await tab.getByLabel('Arguments as JSON').focus();
  await tab.keyboard.type('{"text": "said by hand"}');
  await tab.keyboard.press('Tab');
  await tab.keyboard.press('Enter');
  // The gateway's own line.
  await sees(tab, /the gateway is halted: over lunch/);
  await tab.locator('#freeze').click();
  await tab.locator('#question-yes').click();
  await until(() => !existsSync(join(rea.dir, '.rea', 'HALT')), { what: 'no HALT' });
  await sees(tab, /^unfreeze: unfrozen$/m);
  await tab.getByRole('button', { name: 'Try it' }).click();
  await sees(tab, /^said by hand$/m);

  await tab.locator('#tab-calls').click();
  await sees(tab, /rea-test 1\.0\.0\s+one\s+hold\s.*\sok\s/m);
  await tab.locator('#calls-filter').fill('no-such-call');
  await sees(tab, /^The filter fits none\.$/m);
  await tab.locator('#tab-log').click();
  await sees(tab, /^\d\d:\d\d:\d\d one: ready$/m);
  await tab.locator('#tab-settings').click();
  await sees(tab, /registry\.yaml, 2 on, 0 off/);

  await tab.setViewportSize({ width: 400, height: 800 });
  for (const name of ['servers', 'calls', 'log', 'tools', 'settings']) {
    await tab.locator(`#tab-${name}`).click();
    const width = await tab.evaluate('document.documentElement.scrollWidth');
    expect([name, width]).toEqual([name, 400]);
  }
  expect(problems).toEqual([]);
  await rea.stop();
});

test('a gateway that hangs, that is gone, and a token that is old, are told in one sentence', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  await rea.waitForPhase('one', 'ready');
  const { url, token } = await servePage(rea);
  const tab = await openTab(url);
  // How long it waits between two looks: less for whoever comes back while it looks.
  await tab.evaluate(`globalThis.waits = [];
    globalThis.setHidden = (value) => {
      Object.defineProperty(document, 'hidden', { value, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    };
    const [wait, ask] = [setTimeout, fetch];
    globalThis.setTimeout = (then, ms) => waits.push(ms) && wait(then, ms);
    globalThis.fetch = (...about) => {
      if (globalThis.isComing) setHidden(isComing = false);
      return ask(...about);
    };
    setHidden(true)`);
  const waits = (ms: number) =>
    until(async () => (await tab.evaluate<number[]>('waits')).at(-1) === ms, {
      what: `a wait of ${ms} ms`,
    });
  await waits(60_000);
  await tab.evaluate("globalThis.isComing = true; document.dispatchEvent(new Event('rea-look'))");
  await waits(700);
  const isDim = () => tab.evaluate<boolean>("document.body.classList.contains('gone')");
  rea.kill('SIGSTOP');
  await sees(tab, /^The gateway does not answer\. .* rea ui$/m);
  expect(await isDim()).toBe(true);
  rea.kill('SIGCONT');
  await until(async () => !(await isDim()), { what: 'the page to go on' });
  expect(await tab.locator('#banner').isVisible()).toBe(false);
  await rea.stop();
  await sees(tab, /^The gateway does not answer\. .* rea ui$/m);
  const next = await startRea({ cwd: rea.dir });
  await next.waitForPhase('one', 'ready');
  const again = await servePage(next);
  // With the token of before.
  const old = await (await newWindow()).newPage();
  await old.goto(again.url.replace(again.token, token));
  await sees(old, /^The token of this page is wrong or old\. Open it anew: rea ui$/m);
  // The printed address is pasted over it: it is the same place for the browser, which loads nothing.
  await old.evaluate(`location.href = ${JSON.stringify(again.url)}`);
  await sees(old, /^rea: 1 server serves$/m);
  expect(await old.locator('#banner').isVisible()).toBe(false);
  expect(old.url()).toBe(`http://127.0.0.1:${again.port}/ui`);
  await old.goto('about:blank');
  const without = await (await newWindow()).newPage();
  await without.goto(again.url.replace(/#.*/, ''));
  await sees(without, /^This page was opened without its token\. Open it with: rea ui$/m);
  expect(await without.locator('body').innerText()).not.toContain('one');
  await openTab(again.url);
  await next.stop();
});

/** Tells whatever it says as markup, with characters that hide and reorder. */
const MARK = '<img src=x onerror="globalThis.hacked=1">\u202e<script>globalThis.hacked=2</script>';

test('whatever servers say is text, and harmless to look at', async () => {
  const lib = JSON.stringify(fixturePath('lib'));
  const script = `import(${lib}).then(({ runServer }) => runServer({ name: 'hostile', tools: [{
    name: 'say', description: ${JSON.stringify(MARK)} + 'd'.repeat(1e5),
    inputSchema: { type: 'object', properties: { ${JSON.stringify(`a${MARK}`)}: { type: 'string', description: ${JSON.stringify(MARK)} } } },
    handle: () => ${JSON.stringify(MARK)} + 'x'.repeat(1e6) }] }))`;
  // Once it was read: Node itself leaves out what it prints while its stderr is full.
  const says = `process.stderr.write('A'.repeat(1e6) + '\\n', () => { throw new Error(${JSON.stringify(MARK)}); })`;
  const servers = {
    hostile: { command: process.execPath, args: ['-e', script] },
    broken: { command: process.execPath, args: ['-e', says] },
  };
  const dir = makeDirectory();
  writeRegistry(dir, registry(servers, { restart: { intensity: 1 } }));
  // What tells of itself like this is not listed otherwise.
  const policy = 'pins: { definitions: off }\nui: { show_arguments: true }\n';
  writeFileSync(join(dir, '.rea', 'policy.yaml'), policy, { mode: 0o600 });
  const rea = await startRea({ cwd: dir });
  await rea.waitForPhase('hostile', 'ready');
  await rea.waitForPhase('broken', 'failed');
  const problems: string[] = [];
  const { url } = await servePage(rea);
  const tab = await openTab(url, problems);
  await sees(tab, /<img src=x onerror/);
  // So is what a client gives them.
  await rea.call('hostile__say', { [`a${MARK}`]: MARK });
  await tab.locator('#tab-calls').click();
  await sees(tab, /\{"a<img src=x onerror=\\"globalThis\.hacked=1\\">\\u202e<script>/);
  await tab.setViewportSize({ width: 400, height: 800 });
  expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(400);
  for (const name of ['calls', 'log', 'tools']) await tab.locator(`#tab-${name}`).click();
  await tab.getByRole('button', { name: 'hostile__say' }).click();
  await sees(tab, /decision: allowed/);
  await tab.getByRole('button', { name: 'Try it' }).click();
  await sees(tab, /<img src=x onerror="globalThis\.hacked=1">\\u\{202e\}<script>.*x{1000}/);
  const seen = await tab.evaluate<{ text: string }>(`({
    hacked: 'hacked' in globalThis,
    images: document.images.length,
    scripts: document.querySelectorAll('main script, main style, main iframe').length,
    text: document.documentElement.textContent,
  })`);
  expect(seen).toMatchObject({ hacked: false, images: 0, scripts: 0 });
  expect(seen.text).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
  expect(seen.text.length).toBeLessThan(500_000);
  expect(problems).toEqual([]);
  await rea.stop();
});

test('no other page can look or steer, by fetch, form, frame or another name', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  await rea.waitForPhase('one', 'ready');
  const page = await servePage(rea);
  const tab = await openTab(page.url);
  const own = `http://127.0.0.1:${page.port}`;
  const cookies: (string | undefined)[] = [];
  const evil = createServer((request, response) => {
    cookies.push(request.headers.cookie);
    response.setHeader('content-type', 'text/html');
    response.end(`<form method="post" enctype="text/plain" target="inside" action="${own}/api/v1/freeze">
      <input name='{"reason":"form","x":"' value='"}'></form>
      <iframe name="inside"></iframe><iframe name="framed" src="${own}/ui"></iframe>`);
  });
  await new Promise<void>((done) => evil.listen(0, '127.0.0.1', done));
  onTestFinished(() => void evil.close());
  // In the window of the page, as a browser has them.
  const other = await tab.context().newPage();
  await other.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`);
  const tried = await other.evaluate<string[]>(`(async () => {
    const body = '{"reason":"x"}';
    const headers = { 'content-type': 'application/json' };
    const seen = [];
    for (const [path, init] of [
      ['look', { credentials: 'include' }],
      ['look', { mode: 'no-cors' }],
      ['freeze', { method: 'POST', body }],
      ['freeze', { method: 'POST', body, headers }],
      ['freeze', { method: 'POST', body, mode: 'no-cors', credentials: 'include' }],
    ]) {
      const asked = fetch('${own}/api/v1/' + path, init);
      seen.push(await asked.then((response) => response.text(), String));
    }
    document.forms[0].submit();
    return seen;
  })()`);
  // What could be asked for could not be read.
  for (const text of tried) expect(['', 'TypeError: Failed to fetch']).toContain(text);
  await until(() => other.frame('inside')?.url().includes('/api/v1/freeze'), { what: 'the form' });
  const framed = other.frame('framed');
  expect(await framed?.locator('#summary').count()).toBe(0);
  expect(cookies.every((cookie) => cookie === undefined)).toBe(true);
  // A name that was made an address of this machine later.
  const rebound = await tab.context().newPage();
  const answer = await rebound.goto(`http://${REBOUND}:${page.port}/ui`);
  expect(answer?.status()).toBe(403);
  expect(await rebound.evaluate('sessionStorage.length')).toBe(0);
  expect((await rebound.goto(`http://localhost:${page.port}/ui`))?.status()).toBe(403);
  expect(existsSync(join(rea.dir, '.rea', 'HALT'))).toBe(false);
  expect((await rea.call('one__pid')).failure).toBeNull();
  await rea.stop();
});

test('twenty tabs show the same, and see what one of them does', async () => {
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  await rea.waitForPhase('one', 'ready');
  const { url } = await servePage(rea);
  const context = await newWindow();
  const tabs = await Promise.all(Array.from({ length: 20 }, () => context.newPage()));
  await Promise.all(tabs.map((tab) => tab.goto(url, { timeout: 120_000 })));
  for (const tab of tabs) {
    await tab.bringToFront();
    await sees(tab, /^rea: 1 server serves$/m);
  }
  const [first, ...others] = tabs;
  await first?.bringToFront();
  await first?.getByRole('button', { name: 'Disable one' }).click();
  for (const tab of others) {
    await tab.bringToFront();
    await sees(tab, /^rea: no server to serve, 1 off$/m);
  }
  expect(rea.state()?.disabled).toEqual(['one']);
  await rea.stop();
});
