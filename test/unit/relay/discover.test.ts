/** What a relay knows of a gateway that is not there. */
import { expect, test } from 'vitest';
import { keeping } from '#src/main/relay/discover.ts';

test('an answer is good for five seconds, and none is asked for again', async () => {
  const answers = ['first', null, 'second', 'third'];
  let now = 0;
  const ask = keeping(
    async () => answers.shift() ?? null,
    () => now,
  );
  const said: (string | null)[] = [];
  for (now of [0, 4999, 5000, 5000, 9999, 10_000]) said.push(await ask());
  expect(said).toEqual(['first', 'first', null, 'second', 'second', 'third']);
});
