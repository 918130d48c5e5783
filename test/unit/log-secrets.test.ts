import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { LogSecrets } from '#src/main/log-secrets.ts';
import { createLogger } from '#src/main/logger.ts';
import type { ServerConfig } from '#src/shared/model/config.ts';
import { serverConfig } from '../support/supervisor-thread.ts';

const SECRET = 'Zq7hunter2x9Kd';

function logging(...servers: ServerConfig[]) {
  const secrets = new LogSecrets({ HANDED: 'barracuda-1' });
  secrets.expect(servers);
  const output = new PassThrough();
  const log = createLogger({}, output as unknown as NodeJS.WriteStream, secrets);
  return { secrets, log, lines: () => ((output.read() as Buffer | null) ?? '').toString() };
}

test('nothing that main logs holds a secret of any server', () => {
  const { log, lines } = logging(
    serverConfig('echo', [], { env: { A: SECRET } }),
    serverConfig('sleep', [], { envPassthrough: ['HANDED'] }),
  );
  log.warn(`its resource "res://${SECRET}" is not listed`);
  log.info({ name: SECRET, list: [{ deep: Buffer.from(SECRET).toString('hex') }] }, SECRET);
  log.child({ server: 'echo' }).error({ err: new Error('with barracuda-1') }, 'failed');
  const text = lines();
  expect(text.split('\n').filter((line) => line !== '')).toHaveLength(3);
  for (const secret of [SECRET, 'barracuda-1', Buffer.from(SECRET).toString('hex')]) {
    expect(text).not.toContain(secret);
  }
  expect(text).toContain('its resource \\"res://[REDACTED:secret]\\" is not listed');
  expect(text).toContain('"server":"echo"');
});

test('secrets that become known later are hidden from then on, and earlier ones stay so', () => {
  const { secrets, log, lines } = logging(serverConfig('echo', [], { env: { A: SECRET } }));
  log.info(SECRET);
  secrets.add(['second-secret']);
  secrets.expect([serverConfig('echo', [], { env: { A: 'third-secret' } })]);
  log.info(`${SECRET} second-secret third-secret`);
  expect(lines()).not.toMatch(/Zq7|-secret/);
});

test('what a record is about stays as it is: numbers, keys and the names of servers', () => {
  const { log, lines } = logging(
    serverConfig('echo', [], { env: { A: 'inventory', B: 'message' } }),
    serverConfig('sleep', [], { name: 'inventory' }),
  );
  log.info({ server: 'inventory', message: 3, nothing: null, 1: [true] }, 'the inventory is up');
  expect(JSON.parse(lines())).toMatchObject({
    server: 'inventory',
    message: 3,
    nothing: null,
    1: [true],
    msg: 'the inventory is up',
  });
});

test('of the tokens that come in the place of others the newest of each server stay hidden', () => {
  const { secrets, log, lines } = logging(serverConfig('echo', [], { env: { A: SECRET } }));
  secrets.add(['own-token-of-rea']);
  secrets.learn('quiet', ['access-of-the-quiet']);
  const token = (number: number) => `access-${String(number).padStart(6, '0')}`;
  for (let number = 0; number < 1000; number += 1) {
    secrets.learn('web', ['client-secret', `refresh-${number}`, token(number)]);
    if (number % 100 === 99) log.info(token(number));
  }
  expect(lines()).not.toContain('access-');
  // All those that may still be good: what is learned is given to each thread, and looked for in each line.
  const values = secrets.values();
  expect(values).toEqual(
    expect.arrayContaining([
      SECRET,
      'own-token-of-rea',
      'access-of-the-quiet',
      'client-secret',
      token(999),
      token(993),
      'refresh-999',
    ]),
  );
  expect(values.length).toBe(3 + 16);
  expect(secrets.former()).not.toContain(SECRET);
  log.info(`${SECRET} own-token-of-rea access-of-the-quiet client-secret ${token(993)}`);
  log.info(`${token(0)} is of no use to anybody`);
  const [hidden, shown] = lines().trim().split('\n');
  expect(JSON.parse(hidden ?? '').msg).toMatch(/^(\[REDACTED:secret\] ?){5}$/);
  expect(shown).toContain(`${token(0)} is of no use`);
});
