/** A changed file with mistakes in it: whose entry has one goes on as before, the rest of the file holds. */
import { expect, test } from 'vitest';
import { keepRunning } from '#src/main/config/kept.ts';
import { loadConfig } from '#src/main/config/load.ts';
import { directory, write } from './files.ts';

const FILE = (entries: readonly string[]) =>
  `version: "1"\nservers:\n${entries.map((one) => `  - ${one}\n`).join('')}`;

function read(cwd: string, ...entries: string[]) {
  const result = loadConfig({ cwd, file: write(cwd, 'r.yaml', FILE(entries)), env: {} });
  if (!result.ok) throw new Error('the whole file is refused');
  return result;
}

/** What is in force after a change: name, command and why it is down. */
function after(before: readonly string[], changed: readonly string[]) {
  const cwd = directory();
  const running = read(cwd, ...before).config;
  const { config, mistakes } = read(cwd, ...changed);
  const { servers, reserved } = keepRunning(running, config, mistakes);
  return {
    servers: servers.map(({ name, command, unavailable }) => {
      return [name, command, ...(unavailable === null ? [] : [unavailable])];
    }),
    reserved: reserved.map(({ server, prefix }) => `${server}:${prefix}`).sort(),
  };
}

test('a file without mistakes holds as it is', () => {
  expect(after(['{name: a, command: x}'], ['{name: b, command: y}']).servers).toEqual([['b', 'y']]);
});

test('a server whose entry has a mistake goes on, others change, come and go', () => {
  const before = [
    '{name: a, command: a1, prefix: p}',
    '{name: b, command: b1}',
    '{name: c, command: c1}',
  ];
  const changed = [
    '{name: a, command: a2, colour: red}',
    '{name: b, command: b2}',
    '{name: d, command: d1}',
  ];
  expect(after(before, changed)).toEqual({
    servers: [
      ['a', 'a1'],
      ['b', 'b2'],
      ['d', 'd1'],
    ],
    reserved: ['a:p', 'b:b', 'd:d'],
  });
});

test('a new server whose entry has a mistake is listed, and down', () => {
  const { servers } = after(
    ['{name: a, command: x}'],
    ['{name: a, command: x}', '{name: b, comand: y}'],
  );
  expect(servers).toEqual([
    ['a', 'x'],
    ['b', '', expect.stringContaining('r.yaml:4: servers[1]')],
  ]);
});

test('while an entry does not say which server it is about, none is taken for removed', () => {
  const before = ['{name: a, command: a1}', '{name: b, command: b1}'];
  expect(after(before, ['{nmae: a, command: a1}', '{name: b, command: b2}']).servers).toEqual([
    ['b', 'b2'],
    ['a', 'a1'],
  ]);
});

test('a server that goes on keeps its prefix', () => {
  const before = ['{name: a, command: a1, prefix: p}'];
  const changed = ['{name: a, command: a1, prefix: q, x: 1}', '{name: b, command: b1, prefix: p}'];
  expect(after(before, changed).servers).toEqual([
    ['a', 'a1'],
    ['b', 'b1', 'server "a" keeps the prefix "p" until its entry is mended'],
  ]);
});
