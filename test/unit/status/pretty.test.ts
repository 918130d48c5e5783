/** What a person reads: sections, words, widths and colours. */
import { createHash } from 'node:crypto';
import { symlinkSync } from 'node:fs';
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
  statusJson,
} from './project.ts';

/** One text block of the page. */
function section(text: string, title: string): string {
  return text.split('\n\n').find((block) => block.startsWith(title)) ?? '';
}

describe('the page', () => {
  it('has its four sections in order and a line for each server', () => {
    const { cwd, write } = project();
    const github = downstream({ name: 'github', phase: 'backoff', restarts: 3, in_flight: 2 });
    write('serve.state.json', snapshot({ downstreams: [downstream(), github] }));
    write(`run/${SESSION}.json`, instance());
    const { text } = status(cwd);
    const titles = text.split('\n').filter((line) => /^[A-Zr]\S/.test(line));
    expect(titles.slice(1)).toEqual(['Policy', 'rea serve', 'Downstreams', 'Audit log']);
    expect(section(text, 'Policy')).toContain('policy: built-in, autonomy L3');
    expect(section(text, 'rea serve')).toContain(`running (pid ${process.pid})`);
    expect(section(text, 'rea serve')).toMatch(new RegExp(`${SESSION}  pid \\d+, alive, owner`));
    const rows = section(text, 'Downstreams').split('\n');
    expect(rows.at(-2)).toMatch(/^ {2}files +ready +closed +0 +0 +12 ms +45 MB +3% +11 +–$/);
    expect(rows.at(-1)).toMatch(/^ {2}github +backoff +closed +3 +2 /);
  });

  it('fits 80 columns with short names, and cuts the last error to a wider terminal', () => {
    const { cwd, write } = project();
    const last_error = 'the server said something very long '.repeat(9);
    write('serve.state.json', snapshot({ downstreams: [downstream({ last_error })] }));
    const widest = (text: string): number =>
      Math.max(
        ...section(text, 'Downstreams')
          .split('\n')
          .map((line) => line.length),
      );
    expect(widest(status(cwd).text)).toBeLessThanOrEqual(80);
    const wide = status(cwd, { tty: 160, env: { NO_COLOR: '1' } }).text;
    expect(widest(wide)).toBeGreaterThan(140);
    expect(widest(wide)).toBeLessThanOrEqual(160);
  });

  it('colours only for a terminal that wants it', () => {
    const { cwd, write } = project();
    write('serve.state.json', snapshot());
    expect(status(cwd, { tty: 80 }).text).toContain('\u001b[32mrunning');
    for (const plain of [
      {},
      { tty: 80, env: { NO_COLOR: '1' } },
      { tty: 80, env: { TERM: 'dumb' } },
    ]) {
      expect(status(cwd, plain).text).not.toContain('\u001b');
    }
  });

  it('tells everything about a server when asked to', () => {
    const { cwd, write } = project();
    const last_exit = { code: null, signal: 'SIGKILL', at: fromNow(-65_000), stderr_tail: 'a\nb' };
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
    expect(status(cwd).text).not.toContain('SIGKILL');
    const { text } = status(cwd, { verbose: true });
    for (const words of [
      'pid 4711, group 4711',
      'incarnation 6',
      'RSS 45 MB, CPU 3% of a core, 12.3 s in all, share low',
      '7, 2 errors',
      'p50 1.5 ms',
      'next start  in 30 s',
      'retry in 20 s',
      'signal SIGKILL 65 s ago',
      '| a\n',
      '| b\n',
      '4 lines on stdout',
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
    expect(text).toContain('odd: 2 entries are withheld: tools/list: entries were left out');
    expect(text).toContain('cut: not whole: tools/list: was cut short');
    expect(text).not.toContain('well: ');
    expect(text).not.toContain(withheld_why);
    const { text: long } = status(cwd, { verbose: true });
    expect(long).toContain(`  lists       2 entries are withheld: ${withheld_why}`);
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
    const remedy = `kill -HUP ${process.pid}, or restart rea serve`;
    const lines = section(status(cwd).text, 'rea serve').split('\n');
    expect(lines).toContain(
      `  reload: 3 servers of the configuration not in force; to take them: ${remedy}`,
    );
    expect(lines.find((line) => line.includes('evil'))).toMatch(
      /^ {4}evil, new, 3 min ago: \/bin\/sh -c 'x{140,}…$/,
    );
    expect(lines).toContain('    and 2 more');
    expect(status(cwd, { verbose: true }).text).toContain(what);
    // Nobody is there to be told.
    write('serve.state.json', snapshot({ owner: GONE, updated_at: fromNow(-180_000), reload }));
    expect(status(cwd).text).not.toContain('kill -HUP');
  });

  it('marks the last picture of a dead gateway as such', () => {
    const { cwd, write } = project();
    write('serve.state.json', snapshot({ owner: GONE, updated_at: fromNow(-180_000) }));
    const { text } = status(cwd);
    expect(text).toContain('is gone without a clean stop');
    expect(text).toContain('Downstreams (last known, 3 min ago)');
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
    expect(text).toContain(`last stopped 2 h ago: stdin ended (session ${SESSION})`);
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

describe('policy', () => {
  it('reads profile, autonomy level and blocked paths', () => {
    const { cwd, write } = project();
    write('policy.yaml', 'profile: strict\nautonomy_level: L1\nblocked_paths:\n  - a\n  - b\n');
    write('HALT', ' deploy freeze\n');
    expect(statusJson(cwd).report.policy).toEqual({
      profile: 'strict',
      autonomy_level: 'L1',
      blocked_paths_count: 2,
      halt_active: true,
      halt_reason: 'deploy freeze',
    });
    expect(status(cwd).text).toContain('HALT: ACTIVE, every call is refused: deploy freeze');
  });

  it.each([
    ['not YAML', 'a: [b'],
    ['not a mapping', '- a'],
    ['aliases without bound', `a: &a [x]\n${bomb()}`],
    ['nesting without bound', '['.repeat(10_000)],
  ])('names a file that is %s in one line', (_name, text) => {
    const { cwd, write } = project();
    write('policy.yaml', text);
    expect(status(cwd).text).toMatch(/^ {2}policy: policy\.yaml cannot be used: .+$/m);
    expect(statusJson(cwd).report.policy).toMatchObject({ profile: null, blocked_paths_count: 0 });
  });
});

function bomb(): string {
  const names = 'abcdefghij';
  return names
    .slice(1)
    .split('')
    .map((name, i) => `${name}: &${name} [${`*${names[i]},`.repeat(9)}*${names[i]}]`)
    .join('\n');
}

describe('the audit log', () => {
  const record = (n: number): string => {
    const body = JSON.stringify({ timestamp: `2026-01-0${n}T00:00:00.000Z`, tool_name: 'x' });
    const hash = createHash('sha256').update(body).digest('hex');
    return `${body.slice(0, -1)},"hash":"${hash}"}\n`;
  };
  const audit = (cwd: string): unknown => statusJson(cwd).report.audit;

  it('counts records and checks the hash of the last one', () => {
    const { cwd, write } = project();
    write('audit.jsonl', record(1) + record(2));
    const good = { present: true, lines: 2, last_timestamp: '2026-01-02T00:00:00.000Z' };
    expect(audit(cwd)).toEqual({ ...good, tail_hash_looks_valid: true });
    write('audit.jsonl', record(1) + record(2).replace('"x"', '"y"'));
    expect(audit(cwd)).toEqual({ ...good, tail_hash_looks_valid: false });
  });

  it('reports a torn tail and an empty file', () => {
    const { cwd, write } = project();
    write('audit.jsonl', record(1) + record(2).slice(0, 40));
    const torn = { present: true, lines: 2, last_timestamp: null, tail_hash_looks_valid: false };
    expect(audit(cwd)).toEqual(torn);
    write('audit.jsonl', '');
    expect(audit(cwd)).toMatchObject({ present: true, lines: 0, tail_hash_looks_valid: false });
  });

  it('follows a link to a segment beside it and to nothing else', () => {
    const { cwd, write } = project();
    write('audit-abc.jsonl', record(1));
    symlinkSync('audit-abc.jsonl', join(cwd, '.rea/audit.jsonl'));
    expect(audit(cwd)).toMatchObject({ present: true, lines: 1, tail_hash_looks_valid: true });
  });
});
