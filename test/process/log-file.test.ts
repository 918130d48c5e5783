/**
 * The log file of a gateway: what a client that starts rea swallows stands there, and no trouble with the
 * file costs more than one line.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  CAN_MOUNT,
  type DeadMount,
  mountDead,
  mountSmall,
  unmount,
} from '../support/dead-mount.ts';
import { FAST_CLOCKS, runRea } from '../support/rea-command.ts';
import { makeDirectory, type Rea, startRea } from '../support/rea-process.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

let dead: DeadMount | null = null;
const mounts: string[] = [];
afterEach(async () => {
  await dead?.end();
  dead = null;
  for (const dir of mounts.splice(0)) unmount(dir);
  await tidy();
});

const MIB = 1024 * 1024;
const ECHO = registry({ echo: fixture('echo') });
const SAYS = registry({ says: fixture('tells-all') });

/** What `rea status --json` says of the only gateway. */
async function instanceOf(rea: Rea) {
  const { json } = await rea.status();
  expect(json.serve.instances).toHaveLength(1);
  return json.serve.instances[0];
}

const logDir = (rea: Rea) => join(rea.dir, '.rea', 'log');

/** The log file's lines; the path is that of its record. */
async function fileOf(rea: Rea): Promise<string> {
  return (await instanceOf(rea)).log_file;
}

/** Texts for a server to say, as many as the log takes at once. */
function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `line ${at} ${'x'.repeat(300)}`);
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').slice(0, -1);
}

const warningsOf = ({ stderr }: Rea) =>
  stderr.split('\n').filter((line) => line.includes('the log file'));

async function echoes(rea: Rea, text = 'hello'): Promise<void> {
  expect((await rea.call('echo__echo', { text })).text).toBe(text);
}

/** Waits until a line with `text` stands in the file. */
function waitForLine(file: string, text: string) {
  return until(() => existsSync(file) && readFileSync(file, 'utf8').includes(text), {
    what: `${text} in ${basename(file)}`,
  });
}

describe('what a client swallows', () => {
  test('stands in a private file of the gateway, which rea status names, after its death too', async () => {
    const rea = await startRea({
      config: registry({ echo: fixture('echo'), broken: fixture('exit-at-start') }),
    });
    await echoes(rea);
    const file = await fileOf(rea);
    const { session_id } = await instanceOf(rea);
    expect(file).toBe(join(logDir(rea), `${session_id}.log`));
    const { stdout } = await runRea(['status', '--verbose', '--cwd', rea.dir]);
    expect(stdout).toContain(`log: ${file}`);
    expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
    expect((statSync(logDir(rea)).mode & 0o777).toString(8)).toBe('700');
    await waitForLine(file, '"msg":"rea serve is up"');
    await waitForLine(file, '"server":"broken"');
    rea.kill('SIGKILL');
    await rea.exited;
    const deaths = linesOf(file).map((line) => JSON.parse(line));
    expect(deaths.filter(({ msg }) => msg === 'child_died_unexpectedly')).not.toEqual([]);
  });

  test('is the same as on stderr to the last line, in its order', async () => {
    const rea = await startRea({ config: SAYS });
    const file = await fileOf(rea);
    await rea.call('says__say', { texts: numbered(100) });
    await rea.waitForLog('line 99 ');
    await rea.stop();
    expect(linesOf(file)).toEqual(rea.stderr.split('\n').slice(0, -1));
    expect(linesOf(file).at(-1)).toContain('"msg":"stopped"');
  });

  test('is there when nobody reads stderr', async () => {
    const rea = await startRea({
      config: SAYS,
      through: ['sh', '-c', 'exec "$@" 2>&-', 'sh'],
    });
    expect((await rea.call('says__say', { texts: ['said to nobody'] })).text).toBe('said');
    await waitForLine(await fileOf(rea), 'said to nobody');
  });

  test('with --no-log-file there is none', async () => {
    const rea = await startRea({ config: ECHO, args: ['--no-log-file'] });
    await echoes(rea);
    expect(await instanceOf(rea)).toMatchObject({ log_file: null });
    await rea.stop();
    expect(existsSync(logDir(rea))).toBe(false);
  });
});

test('each gateway of a directory has a file of its own', async () => {
  const first = await startRea({ config: ECHO });
  const second = await startRea({ cwd: first.dir, config: ECHO });
  await echoes(first);
  await echoes(second);
  expect(readdirSync(logDir(first))).toHaveLength(2);
  const { json } = await first.status();
  const files: { pid: number; log_file: string }[] = json.serve.instances;
  for (const { pid, log_file } of files) {
    await waitForLine(log_file, '"msg":"rea serve is up"');
    const rea = pid === first.pid ? first : second;
    expect(rea.stderr).toContain(linesOf(log_file)[0]);
  }
});

describe('trouble with the file is one line, and calls go on', () => {
  test.skipIf(!CAN_MOUNT)(
    'when the disk is full, and nothing is missing once there is room',
    async () => {
      const dir = makeDirectory();
      const log = join(dir, '.rea', 'log');
      mkdirSync(log, { recursive: true, mode: 0o700 });
      mountSmall(log, '16k');
      mounts.push(log);
      const rea = await startRea({ cwd: dir, config: SAYS, env: FAST_CLOCKS });
      const file = await fileOf(rea);
      await rea.call('says__say', { texts: numbered(100) });
      await rea.waitForLog('line 99 ');
      await rea.waitForLog(/the log file [^"]* cannot be written: ENOSPC/);
      expect(warningsOf(rea)).toHaveLength(1);
      mountSmall(log, '64m', true);
      await rea.waitForLog(/the log file [^"]* is written again; no line is missing/);
      await rea.stop();
      expect(linesOf(file)).toEqual(rea.stderr.split('\n').slice(0, -1));
      expect(warningsOf(rea)).toHaveLength(2);
    },
  );

  test.skipIf(!CAN_MOUNT)(
    'when the file on a full disk is removed, the new one begins with a whole line',
    async () => {
      const dir = makeDirectory();
      const log = join(dir, '.rea', 'log');
      mkdirSync(log, { recursive: true, mode: 0o700 });
      mountSmall(log, '32k');
      mounts.push(log);
      const rea = await startRea({ cwd: dir, config: SAYS, env: FAST_CLOCKS });
      const file = await fileOf(rea);
      await rea.call('says__say', { texts: numbered(100) });
      await rea.waitForLog('line 99 ');
      await rea.waitForLog(/the log file [^"]* cannot be written: ENOSPC/);
      expect(statSync(file).size % 4096).toBe(0);
      rmSync(file);
      await rea.waitForLog(/the log file [^"]* is written again; no line is missing/);
      await rea.stop();
      const all = rea.stderr.split('\n').slice(0, -1);
      const kept = linesOf(file);
      expect(kept.length).toBeGreaterThan(10);
      expect(kept).toEqual(all.slice(-kept.length));
    },
  );

  test('when something else lies in place of its directory, until that is gone', async () => {
    const dir = makeDirectory();
    mkdirSync(join(dir, '.rea'), { mode: 0o700 });
    const place = join(dir, '.rea', 'log');
    writeFileSync(place, '');
    const rea = await startRea({ cwd: dir, config: ECHO, env: FAST_CLOCKS });
    await rea.waitForLog(/the log file [^"]* cannot be written: [^"]*not a directory/);
    await echoes(rea);
    rmSync(place);
    await rea.waitForLog('is written again; no line is missing');
    await waitForLine(await fileOf(rea), 'rea serve is up');
    expect(warningsOf(rea)).toHaveLength(2);
  });

  test('when it may not be written, and at the end it is said how many lines are missing', async () => {
    const dir = makeDirectory();
    mkdirSync(join(dir, '.rea', 'log'), { recursive: true, mode: 0o700 });
    const rea = await startRea({
      cwd: dir,
      config: ECHO,
      unprivileged: true,
      through: ['sh', '-c', 'chmod 500 .rea/log && exec "$@"', 'sh'],
    });
    await rea.waitForLog(/the log file [^"]* cannot be written: EACCES/);
    await echoes(rea);
    expect((await rea.stop()).code).toBe(0);
    expect(warningsOf(rea)).toHaveLength(2);
    expect(warningsOf(rea)[1]).toMatch(/ends; \d+ lines are missing/);
  });

  test.each(['the file', 'its directory'])(
    'when %s is removed a new one is begun',
    async (what) => {
      const rea = await startRea({ config: SAYS });
      const file = await fileOf(rea);
      await waitForLine(file, 'introduced itself');
      rmSync(what === 'the file' ? file : logDir(rea), { recursive: true });
      await rea.call('says__say', { texts: ['said afterwards'] });
      await waitForLine(file, 'said afterwards');
      expect(warningsOf(rea)).toHaveLength(1);
      expect(warningsOf(rea)[0]).toContain('was removed or replaced: a new one is begun');
      expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
    },
  );

  test.skipIf(!CAN_MOUNT)('when the disk does not answer, from the start on', async () => {
    const dir = makeDirectory();
    mkdirSync(join(dir, '.rea'), { mode: 0o700 });
    dead = await mountDead(join(dir, '.rea', 'log'));
    const rea = await startRea({ cwd: dir, config: SAYS });
    rea.expectKill();
    await until(
      async () => {
        expect((await rea.call('says__say', { texts: ['hello'] })).text).toBe('said');
        return /the log file [^"]* cannot be written: the file system does not/.test(rea.stderr);
      },
      { what: 'it to be told', everyMs: 100 },
    );
    expect(warningsOf(rea)).toHaveLength(1);
    await rea.stop();
    expect(rea.stderr).toContain('"msg":"stopped"');
    expect(rea.exit).toEqual({ code: null, signal: 'SIGKILL' });
  });
});

describe('at a start, of dead gateways', () => {
  /** Files of dead gateways, the last one the oldest. */
  function leave(dir: string, sizes: Readonly<Record<string, number>>): void {
    mkdirSync(join(dir, '.rea', 'log'), { recursive: true, mode: 0o700 });
    for (const [at, [name, size]] of Object.entries(sizes).entries()) {
      const path = join(dir, '.rea', 'log', name);
      writeFileSync(path, '', { mode: 0o600 });
      truncateSync(path, size);
      utimesSync(path, 1_700_000_000 - at, 1_700_000_000 - at);
    }
  }

  /** What of it is left. */
  async function left(dir: string, goes: string): Promise<string[]> {
    const rea = await startRea({ cwd: dir, config: ECHO });
    const own = basename(await fileOf(rea));
    await until(() => !existsSync(join(logDir(rea), goes)), { what: `${goes} to go` });
    await rea.stop();
    return readdirSync(logDir(rea)).filter((name) => !name.startsWith(own));
  }

  test('the newest five are kept, and what is no log file', async () => {
    const dir = makeDirectory();
    leave(dir, { 'a.log': 1, 'b.log': 1, 'c.log': 1, 'd.log': 1, 'e.log': 1, 'e.log.1': 1 });
    leave(dir, { 'notes.txt': 1, 'x.log.bak': 1 });
    leave(dir, { 'older.log': 0 });
    utimesSync(join(dir, '.rea', 'log', 'older.log'), 1_600_000_000, 1_600_000_000);
    expect((await left(dir, 'older.log')).sort()).toEqual(
      ['a.log', 'b.log', 'c.log', 'd.log', 'e.log', 'e.log.1', 'notes.txt', 'x.log.bak'].sort(),
    );
  });

  test('40 MiB are kept, and the oldest goes first', async () => {
    const dir = makeDirectory();
    leave(dir, { 'a.log': 18 * MIB, 'b.log': 18 * MIB, 'c.log': 3 * MIB, 'c.log.1': 3 * MIB });
    expect((await left(dir, 'c.log.1')).sort()).toEqual(['a.log', 'b.log', 'c.log']);
  });

  test('those of gateways that live stay, however many there are', async () => {
    const dir = makeDirectory();
    const living = await startRea({ cwd: dir, config: ECHO });
    const file = await fileOf(living);
    await waitForLine(file, 'introduced itself');
    await waitForLine(file, 'owns the state file');
    leave(dir, { 'a.log': 1, 'b.log': 1, 'c.log': 1, 'd.log': 1, 'e.log': 1, 'oldest.log': 1 });
    // Older than all but the last one, which goes after it would.
    utimesSync(file, 1_600_000_000, 1_600_000_000);
    utimesSync(join(logDir(living), 'oldest.log'), 1_500_000_000, 1_500_000_000);
    // The same configuration: a change would be a line in the log of the first one.
    const second = await startRea({ cwd: dir });
    await until(() => !existsSync(join(logDir(second), 'oldest.log')), {
      what: 'oldest.log to go',
    });
    expect(existsSync(file)).toBe(true);
  });
});
