/** What the doctor says of the clients of a machine, from their files in a home of its own. */
import { expect, test } from 'vitest';
import { checkClients } from '#src/main/doctor/machine/clients.ts';
import type { Place } from '#src/main/doctor/place.ts';
import { CURSOR, House, SERVER, VSCODE } from '../connect/house.ts';

/** The parts of a place that are looked at. */
function found(house: House, unavailable: string | null = null) {
  const file = `${house.cwd}/.rea/registry.yaml`;
  const servers = [{ name: 'github', unavailable }];
  const place = { cwd: house.cwd, env: house.env, config: { file, servers } };
  return checkClients(place as unknown as Place);
}

test('a machine without clients has nothing to tell', () => {
  expect(found(new House())).toEqual([]);
});

test('a client that starts rea and what rea serves is told with the command that ends it', () => {
  const house = new House();
  const rea = '"rea": {"command": "rea", "args": ["serve", "--shared", "--cwd", "/p"]}';
  house.write(CURSOR, `{"mcpServers": {${rea}, ${SERVER}}}`);
  house.write(VSCODE, '{"servers": {"other": {"command": "other"}}}');
  const [twice, connected, ...rest] = found(house);
  expect(rest).toEqual([]);
  expect(twice).toMatchObject({
    code: 'served_twice',
    severity: 'warning',
    why: expect.stringContaining('github in ~/.cursor/mcp.json'),
    action: 'rea connect cursor --take-over',
  });
  expect(connected).toMatchObject({ code: 'connected', what: 'clients that start rea: Cursor' });
  expect(JSON.stringify([twice, connected])).not.toContain('topsecret');
});

test('what rea cannot start is not said to run twice: --take-over leaves it in the client', () => {
  const house = new House();
  house.write(CURSOR, `{"mcpServers": {${SERVER}}}`);
  expect(found(house, 'missing env: TOKEN').map(({ code }) => code)).toEqual(['not_connected']);
});

test('clients that do not start rea, and a file that does not parse', () => {
  const house = new House();
  house.write(CURSOR, `{"mcpServers": {${SERVER}}}`);
  house.write(VSCODE, '{"servers": {');
  const [besides, broken, none, ...rest] = found(house);
  expect(rest).toEqual([]);
  expect(besides).toMatchObject({ code: 'served_besides', severity: 'note' });
  expect(broken).toMatchObject({
    code: 'client_file',
    why: expect.stringContaining(`~/${VSCODE}`),
  });
  expect(none).toMatchObject({ code: 'not_connected', action: 'rea connect cursor --take-over' });
});
