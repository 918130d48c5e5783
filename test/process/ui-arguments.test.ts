/** What calls were given, on the page of `rea ui`: only where every policy file says so, and never a secret. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { servePage } from '../support/page.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, startRea, writeRegistry } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });
afterEach(tidy);

const SHOWS = 'ui: {show_arguments: true}\n';

test('arguments of calls are shown while every policy file says so, without secrets', async () => {
  const cwd = makeDirectory();
  const home = makeDirectory();
  const [policy, floor] = [join(cwd, '.rea', 'policy.yaml'), join(home, 'rea', 'policy.yaml')];
  const write = (path: string, text: string) => writeFileSync(path, text, { mode: 0o600 });
  mkdirSync(join(home, 'rea'));
  const one = { ...fixture('echo'), env: { KEY: 'planted-value-7731' } };
  writeRegistry(cwd, registry({ one }));
  write(floor, 'version: "1"\n');
  write(policy, SHOWS);
  const env = { XDG_CONFIG_HOME: home };
  const rea = await startRea({ cwd, env });
  await rea.waitForPhase('one', 'ready');
  const page = await servePage(rea);
  const calls = async () => (await page.look('calls=0')).calls;
  const last = async () => (await calls()).list.at(-1).given;
  const settings = async () => (await page.ask('GET', '/api/v1/settings')).last.lines;
  const changed = (shows: boolean) =>
    until(async () => (await calls()).given === shows, { what: `given: ${shows}` });
  // The floor says nothing of it, which means no.
  await rea.call('one__echo', { text: 'first' });
  expect(await calls()).toMatchObject({ given: false, list: [{ what: 'echo', given: '' }] });
  expect((await settings()).join('\n')).not.toContain('show_arguments');

  write(floor, SHOWS);
  await changed(true);
  expect(rea.stderr).toContain('looser than before: ui.show_arguments is on');
  expect(await settings()).toContain('page: shows arguments of calls (ui.show_arguments)');
  await rea.call('one__echo', { text: 'a planted-value-7731 to hide' });
  expect(await last()).toBe('{"text":"a [REDACTED:secret] to hide"}');
  // What was not kept is not there afterwards.
  expect((await calls()).list[0].given).toBe('');
  const body = { tool: 'one__echo', arguments: { text: `it is ${page.token}` } };
  await page.ask('POST', '/api/v1/call', { body });
  expect(await last()).toBe('{"text":"it is [REDACTED:secret]"}');

  write(policy, `${SHOWS}redact: {patterns: [{name: house, regex: "h-[0-9]+"}]}\n`);
  await until(
    async () => {
      await rea.call('one__echo', { text: 'at h-12' });
      return (await last()) === '[REDACTED:house]';
    },
    { what: 'the new pattern' },
  );

  // A file that is wrong changes nothing; what is right again takes away what was kept.
  write(policy, 'ui: {show_arguments: yes please}\n');
  const check = await runRea(['check', '--cwd', cwd], { env });
  expect(check).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(
      /^\.rea\/policy\.yaml:1: ui\.show_arguments: is "yes please"; write true or false$/m,
    ),
  });
  await rea.waitForState(({ reload }) => reload.problems?.refused === true, { what: 'refused' });
  expect((await calls()).given).toBe(true);
  rmSync(policy);
  rmSync(floor);
  await changed(false);
  const { list } = await calls();
  expect(list.map(({ given }: any) => given).join('')).toBe('');
  expect(list.length).toBeGreaterThan(3);
  await rea.stop();
});
