/** What a person reads: order, words, widths and colours. */
import { join } from 'node:path';
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
} from './project.ts';

const ESC = '\u001b';
const COLOURS = { FORCE_COLOR: '1' };

function lines(text: string): string[] {
  return text.trimEnd().split('\n');
}

describe('the page', () => {
  it('begins with a summary in one line, then has a row for each server, those that fail first', () => {
    const { cwd, write } = project();
    const said = 'uvx-does-not-exist is not on PATH';
    const downstreams = [
      downstream(),
      downstream({ name: 'slow', phase: 'starting', tools_count: null }),
      downstream({ name: 'gone', phase: 'failed', restarts: 3, last_error: said }),
      downstream({ name: 'lazy', phase: 'idle' }),
      downstream({ name: 'flaky', circuit_state: 'open' }),
      downstream({ name: 'again', phase: 'backoff', next_restart_at: fromNow(13_400) }),
    ];
    write('serve.state.json', snapshot({ downstreams, disabled: ['billing'] }));
    const { text, exit } = status(cwd);
    expect(exit).toBe(1);
    expect(lines(text)[0]).toBe(
      'rea: 2 of 6 servers serve, 1 failed, 1 paused, 1 backoff, 1 starting, 1 off',
    );
    expect(lines(text)[1]).toBe(cwd);
    const rows = lines(text).filter((line) => /^[a-z]+ +(?:[a-z]+)(?: |$)/.test(line));
    expect(rows.map((row) => row.split(/ +/).slice(0, 2).join(' '))).toEqual([
      'gone failed',
      'flaky paused',
      'again backoff',
      'slow starting',
      'files ready',
      'lazy idle',
      'billing off',
    ]);
    expect(lines(text)[lines(text).findIndex((line) => line.startsWith('gone')) + 1]).toBe(
      `  ${said}`,
    );
    expect(text).toContain('  next try in 13 s');
    expect(text).toMatch(/^gone +failed +11 tools +3 restarts +p99 12 ms +45 MB +3% CPU$/m);
  });

  it('does not say of servers that were never started that they serve', () => {
    const { cwd, write } = project();
    const untried = (name: string) => downstream({ name, phase: 'idle', incarnation: 0 });
    const first = (downstreams: ReturnType<typeof downstream>[]) => {
      write('serve.state.json', snapshot({ downstreams }));
      return lines(status(cwd, { tty: 100, env: COLOURS }).text)[0];
    };
    expect(first([untried('one'), untried('two')])).toBe('rea: 2 servers, none started yet');
    expect(first([untried('one')])).toBe('rea: 1 server, not started yet');
    expect(first([untried('one'), downstream()])).toContain(`${ESC}[32mrea: all 2 servers serve`);
  });

  it('says what a healthy gateway needs, and no more', () => {
    const { cwd, write } = project();
    write('policy.yaml', 'version: "1"\n');
    const clients = [
      { name: 'claude-code', version: '2.1.197' },
      { name: 'x', version: null },
    ];
    write('serve.state.json', snapshot({ clients, sessions: 2 }));
    write(`run/${SESSION}.json`, instance({ parent_pid: 4321 }));
    expect(lines(status(cwd).text)).toEqual([
      'rea: 1 server serves',
      cwd,
      '',
      `gateway ${process.pid}, up 2 min, 2 clients: claude-code 2.1.197, x, started by pid 4321`,
      'files  ready  11 tools  p99 12 ms  45 MB  3% CPU',
    ]);
  });

  it('keeps summary and directory in one line each, however narrow the terminal is', () => {
    const { cwd, write } = project();
    const phases = ['ready', 'starting', 'backoff', 'failed', 'draining'] as const;
    const downstreams = phases.map((phase) => downstream({ name: phase, phase }));
    write('serve.state.json', snapshot({ downstreams, disabled: ['off'] }));
    for (const tty of [30, 40, 60]) {
      const page = lines(status(cwd, { tty, env: { NO_COLOR: '1' } }).text);
      expect(page[0]).toMatch(/^rea: 1(?:\/| of )5 /);
      expect([page[1], page[2]]).toEqual([
        cwd.length > tty ? expect.stringMatching(/^…/) : cwd,
        '',
      ]);
    }
  });

  it('uses the words of users', () => {
    const { cwd, write } = project();
    const one = downstream({ noise_lines: 3, thread: { ...downstream().thread, mates: 2 } });
    write('serve.state.json', snapshot({ downstreams: [one] }));
    const { text } = status(cwd, { verbose: true });
    expect(text).not.toMatch(/incarnation|mates|noise|downstream|HALT/i);
    expect(text).toContain('shared with 2 other servers');
    expect(text).toContain('3 lines that were no messages');
  });

  it('says why a server has a thread of its own, and nothing that a terminal would obey', () => {
    const { cwd, write } = project();
    const thread = { ...downstream().thread, held_up: 'it \u001b[31m held the thread' };
    write('serve.state.json', snapshot({ downstreams: [downstream({ thread })] }));
    const { text } = status(cwd, { verbose: true });
    expect(text).toMatch(/held up others before: it .*held the thread/);
    expect(text).not.toContain('\u001b');
  });

  it('leaves figures out before it cuts a name, and cuts nothing where nobody says how wide it is', () => {
    const { cwd, write } = project();
    const last_error = `the server said something very long ${'x'.repeat(300)} end`;
    const name = 'a-name-of-thirty-two-characters-';
    write('serve.state.json', snapshot({ downstreams: [downstream({ name, last_error })] }));
    const row = (tty: number): string =>
      lines(status(cwd, { tty, env: { NO_COLOR: '1' } }).text)[4] ?? '';
    expect(row(60)).toContain(`${name}  ready  11 tools`);
    expect(row(60)).not.toContain('CPU');
    expect(row(40)).toBe(`${name}  ready`);
    expect(row(38)).toBe('a-name-of-thirt…two-characters-  ready');
    expect(status(cwd).text).toContain(last_error);
    expect(
      lines(status(cwd, { env: { COLUMNS: '50' } }).text).every((one) => one.length <= 50),
    ).toBe(true);
  });

  it('colours only for a terminal that wants it, or where FORCE_COLOR says so', () => {
    const { cwd, write } = project();
    write('serve.state.json', snapshot());
    const shows = (tty: number | undefined, env: NodeJS.ProcessEnv) =>
      status(cwd, { ...(tty === undefined ? {} : { tty }), env }).text.includes(ESC);
    expect(status(cwd, { tty: 80 }).text).toContain(`${ESC}[32mready`);
    expect(shows(80, { NO_COLOR: '1' })).toBe(false);
    expect(shows(80, { NO_COLOR: '' })).toBe(true);
    expect(shows(80, { TERM: 'dumb' })).toBe(false);
    expect(shows(undefined, {})).toBe(false);
    for (const value of ['', '1', '3', 'true']) {
      expect(shows(undefined, { FORCE_COLOR: value, NO_COLOR: '1' })).toBe(true);
    }
    expect(shows(80, { FORCE_COLOR: '0' })).toBe(false);
  });

  it('paints yellow what will serve by itself, red what fails, and green what serves', () => {
    const { cwd, write } = project();
    const downstreams = [
      downstream({ name: 'a', phase: 'starting' }),
      downstream({ name: 'b', phase: 'backoff' }),
      downstream({ name: 'c', phase: 'failed' }),
      downstream({ name: 'd', circuit_state: 'half-open' }),
      downstream({ name: 'e' }),
    ];
    write('serve.state.json', snapshot({ downstreams, disabled: ['f'] }));
    const { text } = status(cwd, { env: COLOURS });
    const painted = (name: string) => new RegExp(`\u001b\\[(\\d+)m${name}`).exec(text)?.[1];
    expect(['starting', 'backoff', 'testing'].map(painted)).toEqual(['33', '33', '33']);
    expect([painted('failed'), painted('ready'), painted('f +off')]).toEqual(['31', '32', '2']);
  });

  it('tells everything about a server when asked to', () => {
    const { cwd, write } = project();
    const why = { reason: 'exit', detail: 'killed' } as const;
    const at = fromNow(-65_000);
    const last_exit = { code: null, signal: 'SIGKILL', at, ...why, stderr_tail: 'a\nb' };
    const one = downstream({
      phase: 'backoff',
      next_restart_at: fromNow(30_400),
      retry_at: fromNow(20_400),
      last_exit,
      noise_lines: 4,
      incarnation: 6,
      errors: 2,
      name_collisions: 3,
    });
    write('serve.state.json', snapshot({ downstreams: [one] }));
    expect(status(cwd).text).not.toContain('pid 4711');
    const { text } = status(cwd, { verbose: true });
    for (const words of [
      'pid 4711, group 4711',
      'start no. 6',
      'RSS 45 MB, CPU 3% of a core, 12.3 s in all, share low',
      '7, 2 errors',
      'p50 1.5 ms',
      'next try in 30 s',
      'retry in 20 s',
      'signal SIGKILL 65 s ago',
      '| a\n',
      '| b\n',
      '4 lines that were no messages',
      '3 of its tools, prompts or resources listed under another name or not at all',
    ]) {
      expect(text).toContain(words);
    }
  });

  it('says how many entries of a server are withheld, and why, at length when asked to', () => {
    const { cwd, write } = project();
    const withheld_why = `tools/list: entries were left out: 2 without name${'!'.repeat(400)}`;
    const one = downstream({ name: 'odd', withheld: 2, withheld_why });
    const cut = downstream({ name: 'cut', withheld_why: 'tools/list: was cut short' });
    write('serve.state.json', snapshot({ downstreams: [one, cut, downstream({ name: 'well' })] }));
    const { text } = status(cwd);
    expect(text).toMatch(
      /^odd .*\n {2}2 entries are withheld: tools\/list: entries were left out/m,
    );
    expect(text).toMatch(/^cut .*\n {2}not whole: tools\/list: was cut short\nwell /m);
    expect(text).not.toContain(withheld_why);
    const { text: long } = status(cwd, { verbose: true });
    expect(long).toContain(`  2 entries are withheld: ${withheld_why}`);
    expect(long.match(/entries are withheld/g)).toHaveLength(1);
  });

  it('shows what waits and how to take it, at length when asked to', () => {
    const { cwd, write } = project();
    const what = `/bin/sh -c '${'x'.repeat(300)}' (in /work)`;
    const reload = {
      problems: null,
      waiting: [{ name: 'evil', change: 'new', what, since: fromNow(-180_000) }],
      more: 2,
    } as const;
    write('serve.state.json', snapshot({ reload }));
    const page = lines(status(cwd).text);
    expect(page).toContain('configuration: 3 servers not in force');
    expect(page.find((line) => line.includes('evil'))).toMatch(
      /^ {2}evil, new, 3 min ago: \/bin\/sh -c 'x{140,}…$/,
    );
    expect(page).toContain('  and 2 more');
    expect(page).toContain(`  → to take them: kill -HUP ${process.pid}, or restart rea serve`);
    expect(status(cwd, { verbose: true }).text).toContain(what);
    // Nobody is there to be told.
    write('serve.state.json', snapshot({ owner: GONE, updated_at: fromNow(-180_000), reload }));
    expect(status(cwd).text).not.toContain('kill -HUP');
  });

  it('shows a changed file that was refused, with its problems', () => {
    const { cwd, write } = project();
    const problems = {
      refused: true,
      lines: ['registry.yaml:3: servers[0].comand: unknown key'],
      more: 0,
      since: fromNow(-120_000),
    };
    write('serve.state.json', snapshot({ reload: { problems, waiting: [], more: 0 } }));
    const { text, exit } = status(cwd);
    expect(exit).toBe(1);
    expect(text).toMatch(/the changed file is refused.*\n {2}registry\.yaml:3: .*\n {2}→ mend/);
  });

  it('says what HALT does and how to lift it, by the name that it has', () => {
    const { cwd, write } = project();
    write('serve.state.json', snapshot());
    write('halt', 'deploy freeze');
    expect(status(cwd).text).toContain(
      'HALT: every call is refused: deploy freeze\n→ to go on: rm .rea/halt\n',
    );
  });
});

describe('without a gateway', () => {
  it('says how to start one', () => {
    const { cwd, write } = project();
    expect(lines(status(cwd).text)).toEqual([
      'rea: not running',
      cwd,
      '→ nothing is configured here: rea init, then rea serve',
    ]);
    write('registry.yaml', 'version: "1"\nservers: []\n');
    expect(lines(status(cwd).text).at(-1)).toBe(
      '→ to start one: rea serve, or let your client start it',
    );
  });

  it('says which directory was found above the one asked for', () => {
    const { cwd } = project();
    expect(lines(status(cwd, { askedIn: join(cwd, 'src') }).text)).toContain(
      'found above the directory asked for',
    );
  });

  it('says when and why the last gateway stopped', () => {
    const { cwd, write } = project();
    write('run/last.json', {
      session_id: SESSION,
      stopped_at: fromNow(-7_200_000),
      reason: 'stdin ended',
      servers: [{ name: 'files', restarts: 2, last_exit: { code: 1, signal: null, at: null } }],
    });
    const { text, exit } = status(cwd);
    expect(exit).toBe(3);
    expect(text).toContain('last stopped 2 h ago: stdin ended');
    expect(text).toContain('files: 2 restarts, last exit code 1');
  });

  it('hints at an upgrade when the file has no downstreams', () => {
    const { cwd, write } = project();
    write('serve.state.json', { session_id: SESSION, owner_pid: process.pid });
    expect(status(cwd).text).toContain('upgrade the gateway');
  });

  it('names a malformed state file in one line', () => {
    const { cwd, write } = project();
    write('serve.state.json', '{');
    expect(status(cwd).text).toContain('serve.state.json cannot be used: not a JSON object');
  });
});
