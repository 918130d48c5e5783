/** What gateways of earlier versions have left on disk, and which processes are taken for them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fromNow, project, SESSION, statusJson } from './project.ts';

describe('files of earlier gateways', () => {
  const legacy = { session_id: SESSION, started_at: fromNow(-1000), metrics_port: 9464 };

  /** Starts a program of this name with these arguments; the pid is that of a process which runs by then. */
  async function running(cwd: string, program: string, ...args: string[]): Promise<number> {
    const file = join(cwd, program);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "console.log('up'); process.stdin.resume();");
    const child = spawn(process.execPath, [file, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    onTestFinished(async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    });
    await once(child.stdout, 'data');
    if (child.pid === undefined) throw new Error(`${file} has no pid`);
    return child.pid;
  }

  const gateway = (cwd: string) => running(cwd, 'bin/rea', '--cwd', cwd, 'serve');

  it('reads one without downstreams as running, with a hint', async () => {
    const { cwd, write } = project();
    write('serve.pid', String(await gateway(cwd)));
    write('serve.state.json', legacy);
    const { exit, report } = statusJson(cwd);
    expect(exit).toBe(1);
    expect(report.serve).toMatchObject({ running: true, downstreams: null, metrics_port: 9464 });
  });

  it('judges a server without phase by whether it is connected and healthy', async () => {
    const { cwd, write } = project();
    const owner = { ...legacy, owner_pid: await gateway(cwd) };
    const one = { name: 'files', connected: true, healthy: true, circuit_state: 'closed' };
    write('serve.state.json', { ...owner, downstreams: [one] });
    expect(statusJson(cwd).exit).toBe(0);
    write('serve.state.json', { ...owner, downstreams: [{ ...one, healthy: false }] });
    expect(statusJson(cwd).exit).toBe(1);
  });

  it('does not take a process younger than the file for its owner', async () => {
    const { cwd, write } = project();
    write('serve.state.json', { ...legacy, owner_pid: await gateway(cwd), downstreams: [] });
    utimesSync(join(cwd, '.rea/serve.state.json'), 1_000_000_000, 1_000_000_000);
    expect(statusJson(cwd)).toMatchObject({ exit: 4, report: { serve: { running: false } } });
  });

  it.each([
    ['another program', ['notes/edit.mjs', 'serve']],
    ['another command of rea', ['bin/rea', 'status', '--json']],
    ['a program that has a gateway as its argument', ['edit.mjs', '--', 'serve', 'rea']],
    ['a program with the word in another one', ['rea/index.mjs', '--serve']],
  ] as const)(
    'does not take %s with its pid for the gateway',
    async (_what, [program, ...args]) => {
      const { cwd, write } = project();
      const pid = await running(cwd, program, ...args);
      write('serve.state.json', {
        ...legacy,
        owner_pid: pid,
        updated_at: fromNow(0),
        downstreams: [],
      });
      expect(statusJson(cwd)).toMatchObject({ exit: 4, report: { serve: { running: false } } });
      const alone = project();
      alone.write('serve.pid', String(pid));
      expect(statusJson(alone.cwd)).toMatchObject({
        exit: 3,
        report: { serve: { running: false } },
      });
    },
  );

  it.each([
    ['installed', ['node_modules/.bin/rea-gateway', 'serve', '--http', '0']],
    ['run from a folder', ['dist/main/index.mjs', '--cwd', '/x', 'serve']],
    ['of another layout', ['@scope/rea/dist/cli/index.mjs', 'serve']],
  ] as const)('takes one that was %s for the gateway', async (_what, [program, ...args]) => {
    const { cwd, write } = project();
    const pid = await running(cwd, program, ...args);
    write('serve.state.json', {
      ...legacy,
      owner_pid: pid,
      updated_at: fromNow(0),
      downstreams: [],
    });
    expect(statusJson(cwd)).toMatchObject({ exit: 0, report: { serve: { running: true } } });
  });
});
