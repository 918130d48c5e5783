/** Whatever lies in `.rea`, `rea status` ends, says something harmless, and touches nothing. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { sourceArgs } from '../../support/worker-url.ts';
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

const runner = fileURLToPath(new URL('../../fixtures/processes/run-status.mjs', import.meta.url));

const INSTANCE_FILE = `run/${SESSION}.json`;
const LAST = {
  session_id: SESSION,
  stopped_at: fromNow(-60_000),
  reason: 'SIGTERM',
  servers: [{ name: 'files', restarts: 2, last_exit: exit() }],
};

function exit() {
  const at = fromNow(-5000);
  const why = { reason: 'exit', detail: 'gone' } as const;
  return { code: 1, signal: null, at, ...why, stderr_tail: 'first\nlast' };
}

/** Every path below `value`, for example `['downstreams', '0', 'thread', 'state']`. */
function pathsOf(value: unknown, at: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [at];
  const below = Object.entries(value).flatMap(([key, one]) => pathsOf(one, [...at, key]));
  return at.length === 0 ? below : [at, ...below];
}

function withField(value: unknown, path: readonly string[], field: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return field;
  const copy: any = Array.isArray(value) ? [...value] : { ...(value as object) };
  copy[key] = withField(copy[key], rest, field);
  return copy;
}

const KEYS = [
  'schema',
  'situation',
  'exit_code',
  'base_dir',
  'serve',
  'gateways',
  'policy',
  'audit',
];
const HARMFUL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const WRONG = [null, true, -1.5, 'x'.repeat(5000), [null], { a: [[]] }];
const WAITING = { name: 'a', change: 'new', what: '/bin/sh', since: fromNow(-5000) } as const;
const FULL = snapshot({
  owner: GONE,
  downstreams: [downstream({ last_exit: exit() })],
  reload: { problems: null, waiting: [WAITING], more: 1 },
});

describe('a malformed field', () => {
  it.each([
    ['serve.state.json', FULL],
    [INSTANCE_FILE, instance()],
    ['run/last.json', LAST],
  ])(
    'of %s degrades and never crashes',
    (file, good) => {
      const { cwd, write } = project();
      for (const path of pathsOf(good)) {
        for (const wrong of [...WRONG, undefined]) {
          write(file, JSON.stringify(withField(good, path, wrong)));
          const { exit: code, report } = statusJson(cwd);
          expect([0, 1, 3, 4]).toContain(code);
          expect(Object.keys(report)).toEqual(KEYS);
          expect(status(cwd, { verbose: true }).exit).toBe(code);
        }
      }
    },
    60_000,
  );

  it('becomes null, false or 0', () => {
    const { cwd, write } = project();
    write('serve.state.json', {
      ...FULL,
      metrics_port: 'x',
      downstreams: [
        {
          name: 7,
          connected: 'yes',
          circuit_state: 'ajar',
          phase: 'gone',
          restarts: -1,
          p99_ms: '1',
          retry_at: 'soon',
          last_exit: 'x',
          pid: 0,
          thread: null,
        },
        'x',
      ],
    });
    const { downstreams, metrics_port } = statusJson(cwd).report.serve;
    expect(metrics_port).toBeNull();
    expect(downstreams).toHaveLength(2);
    write('serve.state.json', {
      ...FULL,
      reload: {
        problems: null,
        waiting: ['x', { name: 7, change: 'maybe', what: ['y'], since: 'soon' }],
        more: -1,
      },
    });
    const nothing = { name: null, change: null, what: null, since: null };
    expect(statusJson(cwd).report.serve.reload).toEqual({
      problems: null,
      pins: null,
      accept: null,
      loosened: null,
      waiting: [nothing, nothing],
      more: 0,
    });
    expect(downstreams[0]).toMatchObject({
      name: null,
      connected: false,
      circuit_state: null,
      phase: null,
      restarts: 0,
      p99_ms: null,
      retry_at: null,
      last_exit: null,
      pid: null,
      thread: { state: null, restarts: 0, heap_mb: null },
    });
  });
});

describe('a file cut short', () => {
  it.each([
    ['serve.state.json', JSON.stringify(FULL)],
    [INSTANCE_FILE, JSON.stringify(instance())],
    ['run/last.json', JSON.stringify(LAST)],
    ['policy.yaml', 'version: "1"\nprofile: strict\nblocked_paths: ["a", {b: [c]}]\n'],
    ['audit.jsonl', '{"timestamp":"2026-01-01T00:00:00Z","hash":"00"}\n'],
    ['serve.pid', `${process.pid}\n`],
  ])(
    '%s at many lengths',
    (file, whole) => {
      const { cwd, write } = project();
      for (let length = 0; length < whole.length; length += 1) {
        write(file, whole.slice(0, length));
        expect([1, 3, 4]).toContain(status(cwd).exit);
      }
    },
    60_000,
  );
});

/** In a process of its own: an open that blocks would hang the test otherwise. */
function statusApart(cwd: string): { exit: number | null; report: any } {
  const done = spawnSync(process.execPath, [...sourceArgs, runner, cwd, '--json'], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { exit: done.status, report: JSON.parse(done.stdout) };
}

const PATHS = [
  'serve.state.json',
  'serve.pid',
  'HALT',
  'policy.yaml',
  'audit.jsonl',
  'run/last.json',
  INSTANCE_FILE,
  'run',
  '.',
];

describe('something else in the place of a file', () => {
  it.each(PATHS)(
    '%s as FIFO, directory, device or link',
    (path) => {
      const { cwd, write } = project();
      const place = join(cwd, '.rea', path);
      const victim = join(cwd, 'victim');
      writeFileSync(victim, 'secret: 42');
      const plant: Record<string, () => void> = {
        fifo: () => execFileSync('mkfifo', [place]),
        directory: () => mkdirSync(place),
        link: () => symlinkSync(victim, place),
        loop: () => symlinkSync(place, place),
        dangling: () => symlinkSync(join(cwd, 'nothing'), place),
        device: () => symlinkSync('/dev/zero', place),
      };
      for (const [kind, put] of Object.entries(plant)) {
        rmSync(join(cwd, '.rea'), { recursive: true, force: true });
        write('run/keep', '');
        if (path === '.' || path === 'run') rmSync(place, { recursive: true });
        mkdirSync(dirname(place), { recursive: true });
        put();
        const seen = kind === 'fifo' ? statusApart(cwd) : statusJson(cwd);
        // A gateway is halted too when it cannot list the directory.
        const halted = path === 'HALT' || (path === '.' && kind === 'loop');
        expect([path, kind, seen.exit, seen.report.policy.halt_active]).toEqual([
          path,
          kind,
          3,
          halted,
        ]);
        expect(JSON.stringify(seen.report)).not.toContain('secret');
        expect(readFileSync(victim, 'utf8')).toBe('secret: 42');
      }
    },
    60_000,
  );
});

describe('text from a file', () => {
  it('cannot reach a terminal with any control code point', () => {
    const { cwd, write } = project();
    const points = [...Array(0xa0).keys(), 0xad, 0x200b, 0x200e, 0x202e, 0x2066, 0x2028, 0xfeff];
    const hostile = [...points, 0xe0041].map((point) => `${String.fromCodePoint(point)}a`).join('');
    const targets = pathsOf(FULL).filter((path) => typeof at(FULL, path) === 'string');
    const files: [string, unknown, string[][]][] = [
      ['serve.state.json', FULL, targets],
      ['run/last.json', LAST, pathsOf(LAST)],
      [INSTANCE_FILE, instance(), pathsOf(instance())],
    ];
    write('HALT', hostile);
    write('policy.yaml', JSON.stringify({ profile: hostile, autonomy_level: hostile }));
    for (const [file, good, paths] of files) {
      for (const path of paths) {
        write(file, JSON.stringify(withField(good, path, hostile)));
        const { text } = status(cwd, { verbose: true });
        const escaped = Array.from(text.replaceAll('\n', '')).filter((char) => HARMFUL.test(char));
        expect([file, path, escaped]).toEqual([file, path, []]);
        expect(status(cwd, { json: true }).text).toMatch(/^[\n\x20-\x7e]*$/);
      }
      rmSync(join(cwd, '.rea', file));
    }
  }, 60_000);

  it('is bounded, however much there is of it', () => {
    const { cwd, write } = project();
    const waiting = Array.from({ length: 5000 }, () => ({ ...WAITING, what: 'x'.repeat(2000) }));
    const reload = { problems: null, waiting, more: Number.MAX_SAFE_INTEGER };
    write('serve.state.json', snapshot({ owner: GONE, reload }));
    const shown = statusJson(cwd).report.serve.reload;
    expect(shown.waiting).toHaveLength(64);
    expect(shown.more).toBe(Number.MAX_SAFE_INTEGER);
    expect(status(cwd).text.length).toBeLessThan(64 * 400);
  });

  it('shows twenty of those that wait, and 64 with --verbose', () => {
    const { cwd, write } = project();
    const waiting = Array.from({ length: 64 }, (_, at) => ({ ...WAITING, name: `w${at}` }));
    write(
      'serve.state.json',
      snapshot({ owner: GONE, reload: { problems: null, waiting, more: 5 } }),
    );
    const shown = (verbose: boolean) =>
      status(cwd, { verbose })
        .text.split('\n')
        .filter((line) => /^ *(?:w\d+, |and \d+ more$)/.test(line))
        .map((line) => line.trim().replace(/,.*/, ''));
    const names = waiting.map(({ name }) => name);
    expect(shown(false)).toEqual([...names.slice(0, 20), 'and 49 more']);
    expect(shown(true)).toEqual([...names, 'and 5 more']);
  });

  it('cannot add a line of its own', () => {
    const { cwd, write } = project();
    const said = downstream({ name: 'a', last_error: 'x' });
    write('serve.state.json', { ...FULL, downstreams: [said] });
    const lines = status(cwd).text.split('\n').length;
    const forged = downstream({ name: 'a\nAudit log\n  fine', last_error: 'x\r\n\u2028y' });
    const waiting = [{ ...WAITING, name: 'a\nb', what: 'x\n  running\u2028y' }];
    const reload = { problems: null, waiting, more: 1 };
    write('serve.state.json', snapshot({ owner: GONE, downstreams: [forged], reload }));
    expect(status(cwd).text.split('\n')).toHaveLength(lines);
  });
});

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<any>((one, key) => one?.[key], value);
}
