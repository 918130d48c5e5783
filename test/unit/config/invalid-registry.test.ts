/** Registries that are refused: every problem in one line, with what would be right. */
import { describe, expect, it } from 'vitest';
import { oneServer, problemsOf } from './files.ts';

describe('an invalid registry', () => {
  it('is answered with every problem, in the order of the file', () => {
    const text = `version: "1"
defaults:
  call_timeout: 5
servers:
  - name: Files
    comand: npx
    args: [1]
    args: [x]
  - name: b
    command: "\${oops"
    restart: {intensity: many, backoff_ms: 50}
  - name: b
    command: x
    call_timeout_ms: 900000
`;
    expect(problemsOf(text)).toEqual([
      '.rea/registry.yaml:3: defaults.call_timeout: unknown key; did you mean "call_timeout_ms"?',
      '.rea/registry.yaml:5: servers[0].name: is "Files"; use 1 to 32 of a-z, 0-9 and "-", not beginning with "-"',
      '.rea/registry.yaml:5: servers[0].command: is missing; write the program to start, or url: the address of a server that runs already',
      '.rea/registry.yaml:6: servers[0].comand: unknown key; did you mean "command"?',
      '.rea/registry.yaml:7: servers[0].args[0]: is a number; write the argument as text, in quotes if it looks like a number',
      '.rea/registry.yaml:8: servers[0].args: is given twice, first in line 7; keep one of the two',
      '.rea/registry.yaml:9: servers[1].name: "b" is the name of a server in line 12 too; give each server its own name',
      '.rea/registry.yaml:11: servers[1].restart.intensity: is "many"; write a whole number from 1 to 1000',
      '.rea/registry.yaml:14: servers[2].call_timeout_ms: 900000 is longer than call_total_timeout_ms 600000, which ends the call first; make call_timeout_ms the smaller one',
    ]);
  });

  it.each([
    ['a tab', 'version: "1"\nservers:\n\t- name: a\n', ':3: column 1: tabs are not allowed'],
    ['a merge key', `${oneServer()}    <<: {a: 1}\n`, 'merge keys are not supported'],
    ['an unknown anchor', `${oneServer()}    cwd: *home\n`, 'there is no anchor of this name'],
    ['two documents', `${oneServer()}---\nversion: "1"\n`, ':5: column 1: a second document'],
    ['a tag', `${oneServer()}    cwd: !path x\n`, 'unresolved tag'],
    ['a key that is no text', `${oneServer()}    env: {1: x}\n`, 'the key is not text'],
    ['a number as text', `${oneServer()}    env: {A: 8080}\n`, 'servers[0].env.A: is a number'],
    ['a reserved key', `${oneServer()}    env: {__proto__: x}\n`, 'is a reserved name'],
    ['a reserved name', oneServer().replace('name: a', 'name: rea'), 'is reserved'],
    [
      'a cap below the back-off',
      `${oneServer()}    restart: {backoff_max_ms: 100}\n`,
      'backoff_ms',
    ],
    ['an endless intensity', `${oneServer()}    restart: {intensity: 90}\n`, 'never seen within'],
    ['an empty file', '', ':1: top level: is empty'],
    ['a list', '- a\n', ':1: top level: is a list'],
    [
      'one shared prefix',
      `${oneServer()}  - {name: b, command: x, prefix: a}\n`,
      'is the prefix of',
    ],
    [
      'an extended pattern',
      `${oneServer()}    tools:\n      deny:\n        - "get_@(a|b)"\n`,
      'registry.yaml:7: servers[0].tools.deny[0]: is "get_@(a|b)"; write "get_{a,b}"',
    ],
    [
      'a negated pattern',
      `${oneServer()}    tools: {allow: ["a", "!(b|c)"]}\n`,
      ':5: servers[0].tools.allow[1]: is "!(b|c)"; write "*" in allow and "{b,c}" in deny',
    ],
    [
      'braces that multiply',
      `defaults: {tools: {deny: ["${'{a,b}'.repeat(20)}"]}}\n${oneServer()}`,
      'braces stand for at most 100 alternatives',
    ],
    [
      'too many patterns',
      `${oneServer()}    tools: {deny: [${'a,'.repeat(1001)}]}`,
      'at most 1000',
    ],
    ['resources of all', `defaults: {resources: {owner: [a]}}\n${oneServer()}`, 'unknown key'],
    ['an owner of nothing', `${oneServer()}    resources: {owner: a}\n`, 'a list of URIs'],
    ['instructions', `${oneServer()}    instructions: no\n`, 'write on or off'],
    ['pin', `${oneServer()}    pin: no\n`, 'write on or off'],
    ['too much nesting', `a: ${'['.repeat(100_000)}`, 'nested too deeply'],
    ['YAML 1.1', `%YAML 1.1\n---\n${oneServer()}`, 'this is read as YAML 1.2'],
  ])('says what is wrong about %s', (_what, text, expected) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
  });

  it.each([
    ['that double', `${doubling(30)}servers: *a29\n`],
    ['that contain themselves', 'version: "1"\nservers: &a [*a]\n'],
  ])('with aliases %s is refused at once', (_what, text) => {
    const problems = problemsOf(text);
    expect(problems.join('\n')).toContain('stands for too many values');
  });

  it('is answered with short lines, however long its text is', () => {
    const long = 'x'.repeat(50_000);
    const texts = [`${long}: 1`, oneServer(`    ${long}: 1\n`), oneServer().replace('a', long)];
    for (const text of texts) {
      for (const problem of problemsOf(text)) expect(problem.length).toBeLessThan(800);
    }
  });

  it('never shows control characters of the file', () => {
    const [problem] = problemsOf('version: "1"\nservers: []\n"a\\e[31m\\u202e\\n": 1\n');
    expect(problem).toMatch(/unknown key/);
    expect(problem).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});

/** Anchors of which each stands for twice the values of the one before. */
function doubling(levels: number): string {
  const lines = ['version: "1"', 'defaults:', '  x0: &a0 [x, x]'];
  for (let at = 1; at < levels; at++) lines.push(`  x${at}: &a${at} [*a${at - 1}, *a${at - 1}]`);
  return `${lines.join('\n')}\n`;
}
