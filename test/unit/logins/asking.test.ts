/** A server that is asked without a token and sends rea elsewhere; and logins that have ended before their answer. */
import { expect, test } from 'vitest';
import { askWithout } from '#src/main/logins/flow/asking.ts';
import { firstAnswer } from '#src/main/logins/flow/first-answer.ts';
import { LoginFault, shown } from '#src/main/logins/net/guarded-fetch.ts';

const SERVER = new URL('https://mcp.example/mcp');

/** A server that redirects there. @returns what was asked, and what came of it. */
async function redirected(location: string, status = 307) {
  const asked: string[] = [];
  const guarded = (url: string) => {
    asked.push(url);
    const isMoved = url === SERVER.href;
    return Promise.resolve(
      isMoved
        ? new Response(null, { status, headers: { location } })
        : new Response(null, { status: 401, headers: { 'www-authenticate': 'Bearer scope="a"' } }),
    );
  };
  return { asked, said: await askWithout(SERVER, {}, guarded).catch(String) };
}

test.each([301, 302, 303, 307, 308])(
  '%s to another path is said: tokens do not go there',
  async (status) => {
    for (const [location, shownAs] of [
      ['/v2/mcp?key=secret', 'https://mcp.example/v2/mcp'],
      ['https://other.example/mcp', 'https://other.example/mcp'],
      ['http://mcp.example/mcp/', 'http://mcp.example/mcp/'],
    ] as const) {
      const { asked, said } = await redirected(location, status);
      expect(asked).toEqual([SERVER.href]);
      expect(said).toBe(
        `Error: https://mcp.example/mcp redirects to ${shownAs}, and tokens are not sent along: if it has moved, write that into url`,
      );
    }
  },
);

test('a slash at the end is the same place, for tokens, too', async () => {
  const { asked, said } = await redirected('/mcp/');
  expect(asked).toEqual([SERVER.href, `${SERVER.href}/`]);
  expect(said).toMatchObject({ status: 401, challenge: { scope: 'a' } });
});

test('nothing is shown in halves', () => {
  const long = `https://mcp.example/${'x'.repeat(300)}`;
  expect(shown(new URL(long))).toBe('https://mcp.example/...');
  expect(shown(new URL('https://mcp.example/a?b=c#d'))).toBe('https://mcp.example/a');
});

test('a login that has ended already waits for no answer', async () => {
  const never = new Promise<string>(() => undefined);
  const ended = AbortSignal.abort(new LoginFault('interrupted'));
  await expect(firstAnswer([never], ended)).rejects.toThrow('interrupted');
  const ending = new AbortController();
  const waiting = firstAnswer([never], ending.signal);
  ending.abort(new LoginFault('later'));
  await expect(waiting).rejects.toThrow('later');
  const open = new AbortController().signal;
  expect(await firstAnswer([never, Promise.resolve('it')], open)).toBe('it');
});
