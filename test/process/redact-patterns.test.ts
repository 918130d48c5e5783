/** The operator's own patterns: they hold in results, and one that cannot be used is one line with its reason. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { writePolicy } from '../support/policy-house.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

const textOf = (raw: string): string => JSON.parse(raw).result.content[0].text;
const policyOf = (...patterns: readonly string[]) =>
  `redact:\n  patterns:\n${patterns.map((one) => `    - ${one}\n`).join('')}`;
const TICKET = '{name: ticket, regex: "tk-[0-9]{4}", flags: i}';

test('patterns hold from the start, and after a change; one that cannot be used changes nothing', async () => {
  const cwd = makeDirectory();
  writePolicy(cwd, policyOf(TICKET));
  const rea = await startRea({ cwd, config: registry({ echo: fixture('echo') }) });
  await rea.waitForPhase('echo', 'ready');
  const said = async (text: string) => textOf((await rea.call('echo__echo', { text })).raw);
  expect(await said('é TK-1234, tk-12 and bee-7')).toBe('é [REDACTED:ticket], tk-12 and bee-7');

  writePolicy(cwd, policyOf(TICKET, '{name: bees, regex: "bee-(?=[0-9])"}'));
  await rea.waitForLog('does not compile: look-around');
  expect(await said('tk-1234 bee-7')).toBe('[REDACTED:ticket] bee-7');

  writePolicy(cwd, policyOf(TICKET, '{name: bees, regex: "bee-[0-9]"}'));
  await until(async () => (await said('bee-7')) === '[REDACTED:bees]', { what: 'the new pattern' });
  expect(await said('tk-1234 bee-7')).toBe('[REDACTED:ticket] [REDACTED:bees]');
  expect(rea.state()?.downstreams[0]).toMatchObject({ restarts: 0 });

  writePolicy(cwd, 'version: "1"\n');
  await until(async () => (await said('bee-7')) === 'bee-7', { what: 'the policy without them' });
  await rea.waitForLog('redact.patterns without');
});

test.each([
  ['look-around', '(?<!x)a', 'does not compile: look-around'],
  ['a back-reference', '(a)\\\\1', 'does not compile: backreferences are not supported'],
  ['too large', 'a{1000}{1000}', 'size limit'],
])(
  '%s: neither checked nor started, with file, line, name and reason',
  async (_, regex, reason) => {
    const cwd = makeDirectory();
    writePolicy(cwd, policyOf(TICKET, `{name: mine, regex: "${regex}"}`));
    const config = JSON.stringify(registry({ echo: fixture('echo') }));
    writeFileSync(join(cwd, '.rea', 'registry.yaml'), config, { mode: 0o600 });
    for (const command of [['check'], ['serve']]) {
      const { code, stdout, stderr } = await runRea([...command, '--cwd', cwd]);
      expect(code).toBe(1);
      const lines = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('mine'));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/^\.rea\/policy\.yaml:4: redact\.patterns: "mine" /);
      expect(lines[0]).toContain(reason);
    }
  },
);
