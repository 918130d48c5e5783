/** Every place where people, clients and other programs read what a gateway says, looked through for tokens. */
import { expect } from 'vitest';
import { filesOf, type Happened } from './login-world.ts';
import { servePage } from './page.ts';
import { runRea } from './rea-command.ts';
import type { Rea } from './rea-process.ts';

/** What the tokens of the authorization server end in. */
const MARKS = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g;
/** So many are looked for in other forms, too. */
const ENCODED = 50;

/**
 * No token is seen on the terminal, by a client, in the log, the state, the audit log, or in what commands and the page
 * say. The gateways run, and are of one directory.
 */
export async function expectNowhere(
  gateways: readonly [Rea, ...Rea[]],
  { issued, seen }: Pick<Happened, 'issued' | 'seen'>,
): Promise<void> {
  const [first] = gateways;
  const commands = [
    ['status', '--verbose'],
    ['status', '--json'],
    ['doctor', 'web', '--json', '--start'],
    ['logs'],
    ['tools', '--json'],
    ['check'],
  ];
  const places: Record<string, string> = {};
  for (const words of commands) {
    const { stdout, stderr } = await runRea([...words, '--cwd', first.dir]);
    expect(stdout, words.join(' ')).not.toBe('');
    places[`rea ${words.join(' ')}`] = stdout + stderr;
  }
  places['the page'] = JSON.stringify(await (await servePage(first)).look());
  for (const rea of gateways) {
    places[`stderr of ${rea.pid}`] = rea.stderr;
    places[`stdout of ${rea.pid}`] = rea.stdoutFrames().join('\n');
  }
  Object.assign(places, filesOf(first.dir));
  expect(Object.keys(places).some((place) => place.endsWith('.log'))).toBe(true);

  const tokens = new Map(issued.map((token) => [token.match(MARKS)?.[0], token]));
  expect(tokens.size).toBe(issued.length);
  for (const [place, text] of Object.entries(places)) {
    const leaked = (text.match(MARKS) ?? []).filter((mark) => tokens.has(mark));
    expect(leaked, place).toEqual([]);
    const encoded = ['canary-code', ...issued.slice(-ENCODED)]
      .flatMap((secret) => [secret, base64Of(secret), Buffer.from(secret).toString('hex')])
      .filter((form) => text.includes(form));
    expect(encoded, place).toEqual([]);
  }
  // Refresh tokens never go to the server itself.
  expect(seen.filter((one) => one.includes('refresh'))).toEqual([]);
}

function base64Of(secret: string): string {
  // Without its end, which would be another one in the middle of a text.
  return Buffer.from(secret).toString('base64').replace(/=+$/, '').slice(0, -1);
}
