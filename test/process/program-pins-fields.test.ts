/** A program that has changed in any field since it was accepted is not started, at a start and under a gateway. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { accept, spawned, waitForBlocked } from '../support/pins.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { identity, names, waitFor } from '../support/reload-waiting.ts';
import { after, rewrite } from '../support/reloading.ts';
import { fixture, fixturePath, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(tidy);

/** Each changed in one field of its program; the last word of each name is that field. */
function programs(dir: string, url: string) {
  const echo = fixture('echo');
  const tools = join(dir, 'tools');
  mkdirSync(tools, { recursive: true });
  writeFileSync(join(dir, 'one.env'), 'SETTING=first\n', { mode: 0o600 });
  writeFileSync(join(dir, 'two.env'), 'SETTING=first\n', { mode: 0o600 });
  writeFileSync(join(dir, 'token'), 'a-token-of-some-length\n', { mode: 0o600 });
  const before = {
    command: { command: 'node', args: [fixturePath('echo')] },
    args: echo,
    cwd: echo,
    env: echo,
    value: { ...echo, env: { SETTING: 'first' } },
    reference: { ...echo, env: { API_TOKEN: '${HOME}' } },
    passthrough: echo,
    'env-file': echo,
    'in-env-file': { ...echo, env_file: 'two.env' },
    off: { ...echo, enabled: false },
    pin: echo,
    path: {
      command: 'planted',
      args: [] as string[],
      env: { PATH: `${tools}:${process.env['PATH']}` },
    },
    url: { url: `${url}/first` },
    header: { url: `${url}/header`, headers: { 'X-Setting': 'first' } },
    'token-file': { url: `${url}/token` },
  };
  const after = {
    command: echo,
    args: fixture('echo', 'more'),
    cwd: { ...echo, cwd: tools },
    env: { ...echo, env: { NODE_OPTIONS: '--trace-warnings' } },
    value: { ...echo, env: { SETTING: 'second' } },
    reference: { ...echo, env: { API_TOKEN: '${PATH}' } },
    passthrough: { ...echo, env_passthrough: ['SSH_AUTH_SOCK'] },
    'env-file': { ...echo, env_file: 'one.env' },
    'in-env-file': before['in-env-file'],
    off: echo,
    pin: { ...echo, pin: 'off' },
    path: before.path,
    url: { url: `${url}/second` },
    header: { url: `${url}/header`, headers: { 'X-Setting': 'second' } },
    'token-file': { url: `${url}/token`, token_file: 'token' },
    new: echo,
  };
  /** What is not in the file itself. */
  const change = () => {
    writeFileSync(join(dir, 'two.env'), 'SETTING=second\n', { mode: 0o600 });
    const script = `#!/bin/sh\nexec ${process.execPath} ${fixturePath('echo')}\n`;
    writeFileSync(join(tools, 'planted'), script, { mode: 0o755 });
  };
  return { before, after, change };
}

/** Counts what reaches it. */
async function web() {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(`${request.url} ${String(request.headers['x-setting'] ?? '')}`.trim());
    response.writeHead(500).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url, paths, close };
}

test.concurrent('changed in any field while the gateway was down, a program is not started', async () => {
  const { url, paths, close } = await web();
  try {
    const dir = makeDirectory();
    const { before, after: changed, change } = programs(dir, url);
    const same = fixture('echo', 'same');
    const first = await startRea({ cwd: dir, config: registry({ ...before, same }) });
    await identity(first, 'same');
    await identity(first, 'args');
    expect(first.stderr).toContain(`server \\"args\\" is pinned as it comes`);
    await first.stop();

    change();
    paths.length = 0;
    const second = await startRea({ cwd: dir, config: registry({ ...changed, same }) });
    await waitForBlocked(second, Object.keys(changed));
    await identity(second, 'same');
    // The same again, after a look at all that there is.
    expect((await names(second)).filter((name) => !name.startsWith('same__'))).toEqual([
      '__rea__health',
    ]);
    expect(spawned(second)).toEqual(['same']);
    expect(paths).toEqual([]);
    const { exit, json } = await second.status();
    expect(exit).toBe(1);
    const args = json.serve.downstreams.find((one: { name: string }) => one.name === 'args');
    expect(args).toMatchObject({ phase: 'blocked', incarnation: 0, pid: null });
    expect(args.last_error).toBe(
      'its program is not the one that was pinned (changed: args); to accept it: rea pins accept args',
    );
    // SIGHUP is not a yes any more.
    await after(second, () => second.kill('SIGHUP'));
    expect(spawned(second)).toEqual(['same']);
    expect(paths).toEqual([]);

    // A person's act is.
    // On a busy machine the command does not wait for the gateway to its end, and says so.
    expect(await accept(dir, 'args', 'path')).toMatch(
      /^accepted: args: .* more .*\n.*in force (?:in 1 gateway )?after \d+ ms.*\n$/s,
    );
    await identity(second, 'args');
    await identity(second, 'path');
    expect(spawned(second)).toEqual(['args', 'path', 'same']);
    await second.stop();
  } finally {
    close();
  }
});

test.concurrent('changed in any field under the gateway, a program is not started; what runs goes on', async () => {
  const { url, paths, close } = await web();
  try {
    const dir = makeDirectory();
    const { before, after: changed, change } = programs(dir, url);
    const rea = await startRea({ cwd: dir, config: registry(before) });
    const running = ['command', 'args', 'cwd', 'env', 'value', 'reference', 'passthrough', 'pin'];
    const all = () => Promise.all(running.map((name) => identity(rea, name)));
    const was = await all();
    change();
    const seen = paths.filter((path) => /second/.test(path));
    await rewrite(rea, registry(changed));
    const waiting = Object.keys(changed).filter((name) => name !== 'path');
    await waitFor(rea, waiting);
    expect(await all()).toEqual(was);
    await waitForBlocked(rea, ['off', 'new']);
    await after(rea, () => rea.kill('SIGHUP'));
    await waitFor(rea, waiting);
    expect(await all()).toEqual(was);
    expect(spawned(rea)).not.toContain('off');
    expect(spawned(rea)).not.toContain('new');
    expect(paths.filter((path) => /second/.test(path))).toEqual(seen);
    await rea.stop();
  } finally {
    close();
  }
});
