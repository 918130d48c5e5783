import { lookup as resolve } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { expect, test } from 'vitest';
import { sharing } from '#src/workers/supervisor/http/lookup.ts';

const real: LookupFunction = resolve;

test('a name is looked up once at a time, and everybody who waits gets the answer', async () => {
  const asked: string[] = [];
  const lookup = sharing((name, options, answer) => {
    asked.push(name);
    real(name, options, answer);
  });
  const find = (name: string, options: Parameters<LookupFunction>[1]) =>
    new Promise((done) => {
      lookup(name, options, (error, found) => done(error?.code ?? found));
    });
  const all = { all: true };
  expect(
    await Promise.all([
      find('localhost', { family: 4 }),
      find('localhost', { family: 4 }),
      find('nobody.invalid', all),
      find('nobody.invalid', all),
      find('localhost', { family: 4, all: true }),
    ]),
  ).toEqual([
    '127.0.0.1',
    '127.0.0.1',
    expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/),
    expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/),
    [{ address: '127.0.0.1', family: 4 }],
  ]);
  expect(asked).toEqual(['localhost', 'nobody.invalid', 'localhost']);
  await find('localhost', { family: 4 });
  expect(asked).toHaveLength(4);
});
