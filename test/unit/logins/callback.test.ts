/** The browser that comes back from a login, and other pages that pretend to be it. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type Callback, listenForBrowser } from '#src/main/logins/flow/callback.ts';

const open: Callback[] = [];
afterEach(() => {
  for (const callback of open.splice(0)) callback.close();
});

/** Sends a request as it is written. @returns the status of the answer. */
async function raw(port: number, target: string, host: string, method = 'GET'): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
  socket.write(`${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  await once(socket, 'close');
  return answer.split(' ')[1] ?? '';
}

test('only the answer with the state, at its path and by its own address, is taken', async () => {
  const callback = await listenForBrowser(0);
  open.push(callback);
  const { port: text, host } = new URL(callback.redirectUri);
  const port = Number(text);
  const answers: string[] = [];
  const waited = callback.wait('right').then((found) => answers.push(found.get('code') ?? ''));
  const good = '/callback?state=right&code=';
  for (const target of ['//', '///', '/%', '*', 'http://', '/', '/callback', '//x/callbac']) {
    expect([target, await raw(port, target, host)]).toEqual([target, '404']);
  }
  expect(await raw(port, '/callback?state=wrong&code=1', host)).toBe('404');
  expect(await raw(port, '/other?state=right&code=2', host)).toBe('404');
  expect(await raw(port, `${good}3`, `evil.example:${text}`)).toBe('404');
  expect(await raw(port, `${good}4`, `localhost:${text}`)).toBe('404');
  expect(await raw(port, `${good}5`, host, 'POST')).toBe('404');
  expect(answers).toEqual([]);
  expect(await raw(port, `${good}6`, host)).toBe('200');
  await waited;
  expect(answers).toEqual(['6']);
});
