/** A real browser for the tests of the page: Debian's Chromium, or whatever `REA_TEST_BROWSER` names. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { environment } from './rea-command.ts';
import { stateHome } from './state-home.ts';

const PLACES = [
  process.env['REA_TEST_BROWSER'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const path = PLACES.find((one) => one !== '' && existsSync(one)) ?? null;

/** Why there is none here; null: there is one. */
export const noBrowser: string | null =
  path === null ? 'no browser: install chromium, or name one in REA_TEST_BROWSER' : null;

/** A name that somebody else has made an address of this machine. */
export const REBOUND = 'rebound.example';

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: path ?? '',
    // It writes into the home, whatever its profile is.
    env: environment({ HOME: stateHome() }),
    // Containers run tests as root, where its sandbox refuses to start.
    args: ['--no-sandbox', `--host-resolver-rules=MAP ${REBOUND} 127.0.0.1`],
  });
}
