/** What is said of patterns when the process that tries them ends before it has answered. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PatternCheck, patternProblems } from '#src/main/config/redact-patterns.ts';

const PATTERNS = ['one', 'two', 'three'].map((name, at) => ({
  name,
  regex: `${name}-[0-9]+`,
  flags: '',
  at: `/floor/policy.yaml:${at + 2}`,
}));
const node = process.execPath;
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rea-probe-'));
});

afterEach(() => {
  process.execPath = node;
  rmSync(directory, { recursive: true });
});

/** What runs in the place of Node. */
function instead(script: string): void {
  process.execPath = join(directory, 'node');
  writeFileSync(process.execPath, `#!/bin/sh\n${script}\n`);
  chmodSync(process.execPath, 0o755);
}

/** At a start, and in a gateway that runs. */
async function bothWays(limitMs?: number): Promise<string[]> {
  const atStart = patternProblems(PATTERNS, limitMs);
  const running = await new PatternCheck([], limitMs).problems(PATTERNS);
  expect(running).toEqual(atStart);
  return atStart.map(({ line, message, fix }) => `${line}: ${message}; ${fix}`);
}

const NOT_TRIED = 'could not be tried: the process that tries patterns';
const FIX = 'see that the machine has memory and processes left, and try again';

describe('the pattern that was being tried is named, with what has happened:', () => {
  test('a signal that is not of the time limit', async () => {
    instead('echo null; kill -KILL $$');
    expect(await bothWays()).toEqual([`3: "two" ${NOT_TRIED} was ended by SIGKILL; ${FIX}`]);
  });

  test('an exit code', async () => {
    instead('cat > /dev/null; exit 9');
    expect(await bothWays()).toEqual([`2: "one" ${NOT_TRIED} ended with code 9; ${FIX}`]);
  });

  test('an end without an answer', async () => {
    instead('echo null; echo null; echo null');
    expect(await bothWays()).toEqual([`4: "three" ${NOT_TRIED} ended with code 0; ${FIX}`]);
  });

  test('a program that cannot be started', async () => {
    process.execPath = join(directory, 'nothing');
    expect(await bothWays()).toEqual([`2: "one" ${NOT_TRIED} could not be run (ENOENT); ${FIX}`]);
  });

  test('too much output', async () => {
    instead('exec cat /dev/zero');
    const expected = expect.stringContaining(`"one" ${NOT_TRIED} could not be run (E`);
    expect(patternProblems(PATTERNS)).toMatchObject([{ message: expected }]);
    expect(await new PatternCheck([]).problems(PATTERNS)).toMatchObject([{ message: expected }]);
  });

  test('the time limit', async () => {
    instead('exec sleep 600');
    expect(await bothWays(100)).toEqual([
      '2: "one" took over 0.1 s; correct it, or make it simpler',
    ]);
  });
});

test('a process that has answered all is believed', async () => {
  instead('echo null; echo null; echo null; echo null; exit 1');
  expect(await bothWays()).toEqual([]);
});
