/** `rea ui` as a command: which gateway it asks, what it says without one, and how a browser is started. */
import { chmodSync, existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';
import { pageFiles } from '../support/page.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { noTerminal, onTerminal } from '../support/terminal.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

test('rea ui without a gateway, with one that hangs, and with two', async () => {
  const dir = makeDirectory();
  const none = await runRea(['ui', '--cwd', dir]);
  expect(none).toMatchObject({ code: 3, stdout: '' });
  expect(none.stderr).toMatch(/^no gateway is running in .*; start one: rea serve\n$/);
  const rea = await startRea({ config: registry({ one: fixture('echo') }) });
  await rea.waitForPhase('one', 'ready');
  rea.kill('SIGSTOP');
  const silent = await runRea(['ui', '--cwd', rea.dir]);
  rea.kill('SIGCONT');
  expect(silent).toMatchObject({ code: 4, stdout: '' });
  expect(silent.stderr).toMatch(/^the gateway \(pid \d+\) is stopped by a signal; .*\n$/);
  // Of two it is the oldest, or the one that is named.
  const other = await startRea({ cwd: rea.dir });
  const named = ['ui', '--json', '--cwd', rea.dir, '--pid', String(other.pid)];
  const asked = await until(
    async () => {
      const { code, stdout } = await runRea(named);
      return code === 0 && JSON.parse(stdout);
    },
    { what: 'the other gateway' },
  );
  expect(asked.pid).toBe(other.pid);
  const { stdout } = await runRea(['ui', '--json', '--cwd', rea.dir]);
  expect(JSON.parse(stdout)).toMatchObject({ pid: rea.pid });
  await other.stop();
  await rea.stop();
});

const lacks = noTerminal();

test.skipIf(lacks !== null || process.platform === 'darwin')(
  'on a desktop a browser is started, and nobody sees the token in its arguments',
  async () => {
    const rea = await startRea({ config: registry({ one: fixture('echo') }) });
    await rea.waitForPhase('one', 'ready');
    const bin = makeDirectory();
    const opened = join(bin, 'opened');
    writeFileSync(
      join(bin, 'xdg-open'),
      `#!/bin/sh\necho "$@" > ${opened}.new\nmv ${opened}.new ${opened}\n`,
    );
    chmodSync(join(bin, 'xdg-open'), 0o755);
    const env = { DISPLAY: ':0', PATH: `${bin}:${process.env['PATH']}` };
    const args = ['ui', '--cwd', rea.dir];
    const said = await onTerminal(args, { columns: 200, env }).ended;
    await until(() => existsSync(opened), { what: 'the browser' });
    const given = readFileSync(opened, 'utf8').trim();
    expect(given).toMatch(/^file:\/\/\/\S+\.ui\.html$/);
    const html = fileURLToPath(given);
    expect(lstatSync(html).mode & 0o777).toBe(0o600);
    expect(readFileSync(html, 'utf8')).toContain(`url=${said.trim()}"`);
    // Without a desktop, or where it is not wanted, it is only printed.
    writeFileSync(opened, '');
    for (const [more, variables] of [
      [['--no-open'], env],
      [[], { PATH: env.PATH }],
      [['--json'], env],
    ] as const) {
      await onTerminal([...args, ...more], { env: variables }).ended;
    }
    expect(readFileSync(opened, 'utf8')).toBe('');
    await rea.stop();
    expect(pageFiles(rea)).toEqual([]);
  },
);
