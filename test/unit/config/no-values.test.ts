import { describe, expect, it } from 'vitest';
import { load, problemsOf } from './files.ts';

const SECRET = 'Zq7hunter2x9Kd';
const server = (rest: string) => `version: "1"\nservers:\n  - name: a\n    command: run\n${rest}\n`;
const web = (rest: string) => `version: "1"\nservers:\n  - {name: a, url: "https://x", ${rest}}\n`;

describe('what may be a secret is not shown by a problem', () => {
  it.each([
    ['an alias that should be text', server(`    env: {A: *${SECRET}}`), 'no anchor'],
    ['a tag that should be text', server(`    env: {A: !${SECRET} x}`), 'unresolved tag'],
    ['a tag with two marks', server(`    env: {A: !${SECRET}! x}`), 'tag'],
    ['a tag in brackets', server(`    env: {A: !<${SECRET} x}`), 'tag'],
    ['a block header', server(`    env:\n      A: |${SECRET}`), 'block scalar header'],
    ['a folded header', server(`    env:\n      A: >${SECRET}`), 'block scalar header'],
    ['an escape', server(`    env: {A: "\\q${SECRET}"}`), 'escape'],
    ['a long escape', server(`    env: {A: "\\U${SECRET}"}`), 'escape'],
    ['a quote that ends too early', server(`    env:\n      A: "x" ${SECRET}`), 'unexpected'],
    ['a reserved sign', server(`    env:\n      A: @${SECRET}`), 'cannot start'],
    ['a mapping', server(`    env: ${SECRET}`), 'env: is not allowed'],
    ['a list', server(`    env: [${SECRET}]`), 'env: is a list'],
    ['a pair as a name', server(`    env: {"A=${SECRET}": x}`), 'env["A…"]: is no valid name'],
    ['a number', server('    env: {A: 81726354}'), 'env.A: is a number'],
    ['a handed value', server(`    env_passthrough: ["${SECRET}!"]`), 'env_passthrough[0]'],
    ['arguments', server(`    args: --token=${SECRET}`), 'args: is not allowed'],
    ['a number as an argument', server('    args: [--token, 81726354]'), 'args[1]: is a number'],
    ['a reference', server(`    args: ["\${TOKEN:?${SECRET}}"]`), 'holds "${TOKEN…"'],
    ['a secret with a brace', server(`    env: {A: "x\${${SECRET}-!}"}`), 'holds "${…"'],
    ['a header', web(`headers: {A: "${SECRET}\\n"}`), 'cannot be sent'],
    ['headers', web(`headers: "A: ${SECRET}"`), 'headers: is not allowed'],
    ['a header as a name', web(`headers: {"A: ${SECRET}": x}`), 'headers["A…"]: is no valid name'],
    ['an address', `version: "1"\nservers:\n  - {name: a, url: "https://u:${SECRET}@x"}\n`, 'url'],
    ['an address as a list', `version: "1"\nservers:\n  - {name: a, url: [${SECRET}]}\n`, 'url'],
  ])('%s', (_what, text, expected) => {
    const problems = problemsOf(text);
    expect(problems).not.toEqual([]);
    expect(problems.join('\n').toLowerCase()).toContain(expected.toLowerCase());
    for (const hidden of ['q7hunter', '81726354']) {
      expect(problems.join('\n').toLowerCase()).not.toContain(hidden);
    }
  });

  it('nor by the reason why a server stays down', () => {
    const text = `version: "1"
servers:
  - {name: a, url: "\${U}"}
  - {name: b, url: "http://\${U}/"}
  - {name: c, url: "https://x:\${U}@y/"}
  - {name: d, url: "https://x", headers: {"X-A": "\${U} "}}
`;
    const result = load(text, { U: SECRET });
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    const reasons = result.config.servers.map(({ unavailable }) => unavailable);
    for (const reason of reasons) expect(reason).toMatch(/\(with \$\{U\}\)/);
    expect(reasons.join('\n').toLowerCase()).not.toContain('q7hunter');
  });

  it('while other words of the file are', () => {
    expect(problemsOf(server('    restart: {intensity: many}')).join()).toContain('is "many"');
    expect(problemsOf(server('    cwd: 81726354')).join()).toContain('is the number 81726354');
  });
});
