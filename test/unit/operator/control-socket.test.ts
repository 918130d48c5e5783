/** What the control socket costs while nobody looks. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ControlSocket } from '#src/main/operator/control-socket.ts';
import type { Operable } from '#src/main/operator/operable.ts';
import { ownIdentity, systemLook } from '#src/shared/platform/identity.ts';
import { OPERABLE } from '../../support/operable.ts';
import { settledTimers, timers } from '../../support/timers.ts';
import { until } from '../../support/wait-for.ts';

const stateDir = mkdtempSync(join(tmpdir(), 'rea-control-'));
afterAll(() => rmSync(stateDir, { recursive: true }));

/** @param operable what is special about the gateway. */
function open(operable: Partial<Operable> = {}): Promise<ControlSocket | null> {
  return ControlSocket.open({
    operable: { ...OPERABLE, ...operable },
    stateDir,
    token: 'a-token-of-the-test',
    identity: ownIdentity(),
    look: systemLook(),
    env: {},
    log: { debug: () => undefined, warn: () => undefined, error: () => undefined },
    fleet: () => null,
    relayed: () => undefined,
    mcp: () => Promise.reject(new Error('nobody asks for it')),
    page: {
      open: () => Promise.reject(new Error('nobody asks for it')),
      close: () => Promise.resolve(),
    },
  });
}

test('what somebody has asked for and left before it was read is not done', async () => {
  let reloads = 0;
  const control = await open({
    reload: () => {
      reloads += 1;
      return OPERABLE.reload(null);
    },
  });
  const socketPath = join(stateDir, 'run', 'one.sock');
  const authorization = 'Bearer a-token-of-the-test';
  const gone = createConnection(socketPath);
  await new Promise((resolve) => gone.once('connect', resolve));
  gone.write(
    `POST /api/v1/reload HTTP/1.1\r\nhost: localhost\r\nauthorization: ${authorization}\r\ncontent-length: 0\r\n\r\n`,
  );
  gone.destroy();
  await new Promise((resolve) => {
    request({
      socketPath,
      path: '/api/v1/reload',
      method: 'POST',
      agent: false,
      headers: { authorization },
    })
      .end()
      .once('response', (response) => response.resume().once('close', resolve));
  });
  expect(reloads).toBe(1);
  await control?.close();
});

test('it starts no timer before somebody watches, and none is left after', async () => {
  const before = await settledTimers();
  const control = await open();
  expect(await settledTimers()).toBe(before);
  const path = join(stateDir, 'run', 'one.sock');
  const ask = (what: string) =>
    request({
      socketPath: path,
      path: `/api/v1/${what}`,
      agent: false,
      headers: { authorization: 'Bearer a-token-of-the-test' },
    }).end();
  const status = await new Promise((resolve) => {
    ask('status').once('response', (response) =>
      response.resume().once('close', () => resolve(response.statusCode)),
    );
  });
  expect(status).toBe(200);
  await until(() => timers() === before, { what: 'no timer after a request' });
  const watching = ask('events');
  await new Promise((resolve) => watching.once('response', resolve));
  expect(await settledTimers()).toBe(before + 1);
  watching.destroy();
  await until(() => timers() === before, { what: 'no timer after a watcher' });
  // A connection that says nothing is no reason to stay.
  const silent = createConnection(path);
  await new Promise((resolve) => silent.once('connect', resolve));
  const closed = new Promise((resolve) => silent.once('close', resolve));
  await control?.close();
  await closed;
  expect(await settledTimers()).toBe(before);
});
