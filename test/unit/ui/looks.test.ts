/** What whoever looks is told: only what is new, and only what is asked for. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { Looks } from '#src/main/ui/looks.ts';
import { OPERABLE } from '../../support/operable.ts';

const dir = mkdtempSync(join(tmpdir(), 'rea-looks-'));
afterAll(() => rmSync(dir, { recursive: true }));

test('only what is new and what is named comes', async () => {
  const looks = new Looks({ operable: OPERABLE, cwd: dir, env: {} });
  onTestFinished(() => looks.close());
  const look = async (query: string) => JSON.parse(await looks.look(new URLSearchParams(query)));
  const first = await look('');
  expect(Object.keys(first)).toEqual(['rev', 'state']);
  expect(Object.keys(await look(`state=${first.rev}`))).toEqual(['rev']);
  const { usage } = await look('usage=-1');
  expect(usage).toEqual({ rev: 1, lines: {} });
  expect(await look(`state=${first.rev}&usage=1`)).toEqual({ rev: first.rev });
  const all = await look('usage=0&calls=0&log=0');
  expect(Object.keys(all)).toEqual(['rev', 'state', 'usage', 'calls', 'log']);
});
