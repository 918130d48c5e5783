import { describe, expect, test } from 'vitest';
import { scanFrame } from '#src/shared/json/frame.ts';
import {
  BROKEN,
  SessionDoubt,
  signOf,
  signOfError,
  signOfRefusal,
} from '#src/workers/supervisor/http/session-doubt.ts';

const refusal = (status: number, text = 'no session') => signOfRefusal(status, null, text);
const error = (message = 'no session') => signOf('-32000', message);

type Step = (doubt: SessionDoubt) => void;
const ok: Step = (doubt) => doubt.callAnswered();
const failed =
  (sign = refusal(400)): Step =>
  (doubt) =>
    void doubt.callFailed(sign);
const broke: Step = (doubt) => doubt.suspect();
const ping =
  (sign: Parameters<SessionDoubt['pinged']>[0] = null): Step =>
  (doubt) =>
    doubt.pinged(sign);

function proved(...steps: readonly Step[]): boolean {
  const doubt = new SessionDoubt();
  for (const step of steps) step(doubt);
  return doubt.proof !== null;
}

describe('a session is lost', () => {
  test.each<[string, Step[]]>([
    ['when a call and then a ping is refused', [ping(), failed(), ping(refusal(400))]],
    ['when a ping and then a call is refused', [ping(), ping(refusal(400)), failed()]],
    ['when the connections of a call and a ping break', [ping(), broke, ping(BROKEN)]],
    ['whatever the texts', [ping(), failed(refusal(500, 'x')), ping(refusal(403, 'y'))]],
    ['when a connection broke and a ping is refused', [ping(), broke, ping(refusal(400))]],
    [
      'when pings were answered with an error before',
      [ping(error('what?')), failed(), ping(refusal(400))],
    ],
    [
      'when calls and a ping get one error',
      [ping(), failed(error()), failed(error()), ping(error())],
    ],
    [
      'also where pings were always refused',
      [ping(refusal(405)), failed(), failed(), ping(refusal(400))],
    ],
  ])('%s', (_name, steps) => {
    expect(proved(...steps)).toBe(true);
  });
});

describe('a session lives', () => {
  test.each<[string, Step[]]>([
    ['while nothing is known', []],
    ['when only a call is refused', [ping(), failed(), failed(), ping()]],
    ['when only a ping is refused', [ping(), ping(refusal(400))]],
    ['when a call was answered after the refused ping', [ping(), ping(refusal(400)), ok, failed()]],
    [
      'when a ping was answered after the refused call',
      [ping(), failed(), ping(), ping(refusal(400))],
    ],
    ['when pings are always refused', [ping(refusal(405)), failed(), failed(), ping(refusal(405))]],
    [
      'when pings always get that error',
      [ping(error()), failed(error()), failed(error()), ping(error())],
    ],
    ['when one call gets the error of a ping', [ping(), failed(error()), ping(error())]],
    [
      'when calls get other errors',
      [ping(), failed(error('a')), failed(error('b')), ping(error('b'))],
    ],
    [
      'when a call between is answered',
      [ping(), failed(error()), ok, failed(error()), ping(error())],
    ],
    ['while the server is busy', [ping(), failed(refusal(429)), ping(refusal(429))]],
    ['before its first ping has ended', [failed(), ping(refusal(400))]],
  ])('%s', (_name, steps) => {
    expect(proved(...steps)).toBe(false);
  });
});

test('numbers and ids make no difference between errors', () => {
  const one = error('Session 4f1c-99aa not found (request 17)');
  expect(one).toEqual(error('Session 07de-1234 not found (request 18)'));
  expect(one).not.toEqual(error('Tool not found'));
  expect(error('x'.repeat(1_000_000)).text.length).toBeLessThan(400);
});

test('a refusal is known by the error in its body, whoever it is for', () => {
  const said = (id: string) =>
    `{"jsonrpc":"2.0","id":${id},"error":{"code":-32000,"message":"no session"}}`;
  const frame = (id: string) => {
    const scanned = scanFrame(Buffer.from(said(id)));
    if ('error' in scanned) throw new Error('a bad message');
    return scanned;
  };
  const refused = signOfRefusal(400, frame('7'), said('7'));
  expect(refused).toEqual({ text: '-32000 no session', status: 400 });
  expect(signOfRefusal(400, frame('null'), said('null'))).toEqual(refused);
  expect(signOfError(frame('"rea:5"'))).toEqual({ text: '-32000 no session', status: null });
});

test('a ping is sent for each refusal, and for fewer and fewer errors of a row', () => {
  const doubt = new SessionDoubt();
  expect([1, 2, 3].map(() => doubt.callFailed(refusal(400)))).toEqual([true, true, true]);
  const asked = Array.from({ length: 20 }, () => doubt.callFailed(error()));
  expect(asked.flatMap((asks, at) => (asks ? [at + 1] : []))).toEqual([2, 4, 8, 16]);
});
