/** What `rea status` shows of several gateways, of dead ones, and of one server. */
import { describe, expect, it } from 'vitest';
import {
  downstream,
  fromNow,
  GONE,
  instance,
  project,
  SESSION,
  snapshot,
  status,
  statusJson,
} from './project.ts';

const OTHER = '3b0c5a4e-0000-4000-8000-000000000002';
const THIRD = '3b0c5a4e-0000-4000-8000-000000000003';
const ESC = '\u001b';
const COLOURS = { FORCE_COLOR: '1' };

function lines(text: string): string[] {
  return text.trimEnd().split('\n');
}

describe('several gateways', () => {
  it('shows each living one once, with its servers and its client, and of the dead the pid', () => {
    const { cwd, write } = project();
    const named = (name: string) => ({ downstreams: [downstream({ name })] });
    write('serve.state.json', snapshot({ ...named('one'), sessions: 0 }));
    write(`run/${SESSION}.json`, instance());
    write(`run/${OTHER}.json`, instance({ session_id: OTHER, parent_pid: 77 }));
    const clients = [{ name: 'cursor', version: '1.0' }];
    write(`run/${OTHER}.state.json`, snapshot({ session_id: OTHER, ...named('two'), clients }));
    write(`run/${THIRD}.json`, instance({ ...GONE, pid: 66, session_id: THIRD }));
    write(`run/${THIRD}.state.json`, snapshot({ session_id: THIRD, ...named('three') }));
    const { text, exit } = status(cwd);
    expect(exit).toBe(0);
    expect(lines(text)[0]).toBe('rea: 2 gateways, all 2 servers serve');
    expect(text).toMatch(/gateway \d+, up 2 min, no client, .*\none /);
    expect(text).toMatch(/gateway \d+, up 2 min, 1 client: cursor 1\.0, started by pid 77\ntwo /);
    expect(text).not.toContain('three');
    expect(text).toContain(
      'another gateway is gone without a clean stop, with their servers (pid 66)',
    );
    const { gateways } = statusJson(cwd).report;
    expect(gateways).toMatchObject([
      { session_id: SESSION, owner: true, situation: 'running', downstreams: [{ name: 'one' }] },
      { session_id: OTHER, owner: false, parent_pid: 77, clients, downstreams: [{ name: 'two' }] },
      { session_id: THIRD, situation: 'dead', alive: false, downstreams: null },
    ]);
  });

  it('paints nothing of a dead gateway green, and says of no server that it is connected', () => {
    const { cwd, write } = project();
    const downstreams = [downstream(), downstream({ name: 'bad', phase: 'failed' })];
    write(
      'serve.state.json',
      snapshot({ owner: GONE, updated_at: fromNow(-180_000), downstreams }),
    );
    write(`run/${SESSION}.json`, instance(GONE));
    const { text, exit } = status(cwd, { env: COLOURS });
    expect(exit).toBe(4);
    expect(text).toContain('is gone without a clean stop, last seen 3 min ago');
    expect(text).toContain('→ nothing is configured here: rea init, then rea serve');
    expect(text).not.toContain(`${ESC}[32m`);
    expect(text).toContain(`${ESC}[2mfiles  was ready`);
    const { report } = statusJson(cwd);
    expect(report).toMatchObject({ schema: 1, situation: 'dead', exit_code: 4 });
    for (const { connected, healthy } of report.serve.downstreams) {
      expect([connected, healthy]).toEqual([false, false]);
    }
  });

  it('dims what a gateway showed before it ceased to write', () => {
    const { cwd, write } = project();
    write('serve.state.json', snapshot({ updated_at: fromNow(-180_000) }));
    const { text } = status(cwd, { env: COLOURS });
    expect(text).toContain('last wrote its state 3 min ago');
    expect(text).toContain(`${ESC}[2mfiles  was ready`);
    expect(text).not.toContain(`${ESC}[32m`);
  });
});

describe('one server', () => {
  it('is shown in full, with its instances, wherever it runs', () => {
    const { cwd, write } = project();
    const downstreams = [
      downstream({ name: 'web#1', pid: 11 }),
      downstream({ name: 'web#2', pid: 12 }),
      downstream({ name: 'webcam', phase: 'failed' }),
    ];
    write('serve.state.json', snapshot({ downstreams, disabled: ['off'] }));
    const { text, exit } = status(cwd, { server: 'web' });
    expect(exit).toBe(0);
    expect(text).toContain('pid 11');
    expect(text).toContain('pid 12');
    expect(text).not.toContain('webcam');
    expect(status(cwd, { server: 'webcam' }).exit).toBe(1);
    expect(status(cwd, { server: 'off' }).text).toMatch(/^off +off$/m);
    const { report } = statusJson(cwd, { server: 'web' });
    expect(report.serve.downstreams.map(({ name }: { name: string }) => name)).toEqual([
      'web#1',
      'web#2',
    ]);
  });

  it('that nobody has is an error that names those there are', () => {
    const { cwd, write } = project();
    write('serve.state.json', snapshot());
    for (const json of [false, true]) {
      expect(status(cwd, { server: 'fil\u001bes', json })).toEqual({
        exit: 1,
        text: '',
        stderr: 'rea: no gateway here has a server "fil\ufffdes"; there are files\n',
      });
    }
    expect(status(cwd, { server: '__proto__' }).exit).toBe(1);
  });
});
