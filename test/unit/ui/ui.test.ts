/** The page of a gateway from the first `rea ui` to the end of its listener: nothing before, and nothing after. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { pageOpenerPath } from '#src/main/operator/place.ts';
import { Ui, type UiOptions } from '#src/main/ui/ui.ts';
import { OPERABLE } from '../../support/operable.ts';
import { settledTimers } from '../../support/timers.ts';

const stateDir = mkdtempSync(join(tmpdir(), 'rea-ui-'));
mkdirSync(join(stateDir, 'run'), { mode: 0o700 });
afterAll(() => rmSync(stateDir, { recursive: true }));

const quiet = () => undefined;

function make(changes: Partial<UiOptions> = {}) {
  const tokens: string[] = [];
  const watched = { count: 0 };
  const operable = {
    ...OPERABLE,
    watchCalls: () => {
      watched.count += 1;
      return () => {
        watched.count -= 1;
      };
    },
  };
  const ui = new Ui({
    operable,
    cwd: stateDir,
    env: {},
    stateDir,
    onToken: (token) => tokens.push(token),
    idleMs: 600_000,
    log: { debug: quiet, warn: quiet, error: quiet },
    self: () => null,
    ...changes,
  });
  return { ui, tokens, watched };
}

test('one listener for all who ask, and nothing of it once it has ended', async () => {
  const before = await settledTimers();
  const { ui, tokens, watched } = make();
  expect([await settledTimers(), watched.count, tokens]).toEqual([before, 0, []]);
  const [one, other] = await Promise.all([ui.open(), ui.open()]);
  if (!one.ok) throw new Error(one.message);
  expect(other).toEqual(one);
  const [token = '', ...more] = tokens;
  expect(token).toMatch(/^rea_ui_[0-9a-f]{64}$/);
  expect(more).toEqual([]);
  expect(readFileSync(one.tokenFile, 'utf8')).toBe(`${token}\n`);
  expect(lstatSync(one.tokenFile).mode & 0o777).toBe(0o600);
  expect(watched.count).toBe(1);
  await ui.close();
  expect([await settledTimers(), watched.count]).toEqual([before, 0]);
  expect(existsSync(one.tokenFile)).toBe(false);
});

test('each listener has a token of its own: what an old tab keeps is worth nothing', async () => {
  const { ui, tokens } = make();
  const first = await ui.open();
  await ui.close();
  const opened = await ui.open();
  if (!opened.ok || !first.ok) throw new Error('not opened');
  // Another program may have had it in between, and have left a page of its own there that waits for a token.
  expect(opened.port).not.toBe(first.port);
  const ask = async (token: string) => {
    const url = `http://127.0.0.1:${opened.port}/api/v1/settings`;
    return (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status;
  };
  expect(await Promise.all(tokens.map(ask))).toEqual([401, 200]);
  await ui.close();
});

test('what leads a browser to it goes with it', async () => {
  const { ui } = make();
  const opened = await ui.open();
  if (!opened.ok) throw new Error(opened.message);
  const html = pageOpenerPath(opened.tokenFile);
  writeFileSync(html, 'with the token');
  await ui.close();
  expect(existsSync(html)).toBe(false);
});

test('one that cannot be served leaves nothing, and is tried anew', async () => {
  let isBroken = true;
  const watchCalls = () => {
    if (isBroken) throw new Error('of the test');
    return () => undefined;
  };
  const { ui } = make({ operable: { ...OPERABLE, watchCalls } });
  expect(await ui.open()).toEqual({ ok: false, message: 'the page cannot be served: of the test' });
  expect(readdirSync(join(stateDir, 'run'))).toEqual([]);
  await ui.close();
  isBroken = false;
  expect(await ui.open()).toMatchObject({ ok: true });
  await ui.close();
});
