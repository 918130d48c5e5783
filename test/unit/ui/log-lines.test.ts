/** The end of the log, as several look at it. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { LogLines } from '#src/main/ui/log-lines.ts';

const dir = mkdtempSync(join(tmpdir(), 'rea-lines-'));
afterAll(() => rmSync(dir, { recursive: true }));

test('whoever looks at the same time sees each line once', async () => {
  const path = join(dir, 'log');
  const now = Date.parse('2026-11-30T12:00:00Z');
  const say = (msg: string) =>
    appendFileSync(path, `${JSON.stringify({ level: 'info', time: new Date(now), msg })}\n`);
  say('one');
  const lines = new LogLines(path);
  onTestFinished(() => lines.close());
  const look = async (from = 0) => {
    const { list, next } = await lines.since(from, now);
    return { next, texts: list.map(({ what }) => what) };
  };
  const both = await Promise.all([look(), look(), look()]);
  for (const { texts } of both) expect(texts).toEqual(['one']);
  say('two');
  say('three');
  const [first, other] = await Promise.all([look(both[0]?.next), look(both[0]?.next)]);
  expect(first).toEqual({ next: 3, texts: ['two', 'three'] });
  expect(other).toEqual(first);
});
