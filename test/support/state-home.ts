/**
 * Where gateways of tests keep what they keep outside of their projects: a temporary directory of this
 * run, so that nothing reaches the home of whoever runs it. Global setup of vitest, which removes it;
 * a program without vitest makes one when it needs it.
 */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Processes of one run find it by this. */
const VARIABLE = 'REA_TEST_STATE';

/** @returns what removes it at the end of the run. */
export default function setUp(): () => void {
  const root = make();
  return () => rmSync(root, { recursive: true, force: true });
}

/** For `XDG_STATE_HOME`. @param user another one than runs the tests, who is to own it. */
export function stateHome(user: number | null = null): string {
  const root = process.env[VARIABLE] ?? makeForThisProcess();
  const home = join(root, user === null ? 'own' : String(user));
  mkdirSync(home, { recursive: true, mode: 0o700 });
  if (user !== null) chownSync(home, user, user);
  return home;
}

function make(): string {
  const root = mkdtempSync(join(tmpdir(), 'rea-test-state-'));
  // Another user has to come through.
  chmodSync(root, 0o711);
  process.env[VARIABLE] = root;
  return root;
}

function makeForThisProcess(): string {
  const root = make();
  process.on('exit', () => rmSync(root, { recursive: true, force: true }));
  return root;
}
