/** Where there is a desktop with a browser. */
import { expect, test } from 'vitest';
import { browserOpener, openInBrowser } from '#src/main/commands/browser.ts';

test.each<[NodeJS.ProcessEnv, string, string | null]>([
  [{ DISPLAY: ':0' }, 'linux', 'xdg-open'],
  [{ WAYLAND_DISPLAY: 'wayland-0' }, 'linux', 'xdg-open'],
  [{ DISPLAY: '' }, 'linux', null],
  [{}, 'linux', null],
  [{}, 'darwin', 'open'],
  [{ DISPLAY: ':10', SSH_CONNECTION: '10.0.0.1 1 10.0.0.2 22' }, 'linux', null],
  [{ SSH_CONNECTION: '10.0.0.1 1 10.0.0.2 22' }, 'darwin', null],
  [{ DISPLAY: ':0' }, 'win32', null],
])('%j on %s: %s', (env, platform, opener) => {
  expect(browserOpener(env, platform)).toBe(opener);
});

test('a program that is not there is told, and one that starts is not waited for', async () => {
  expect(await openInBrowser('rea-no-such-browser', 'https://x/')).toMatchObject({
    code: 'ENOENT',
  });
  expect(await openInBrowser('true', 'https://x/')).toBeNull();
});
