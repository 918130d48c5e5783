/** Which processes end with a server, of those that are in its process group no more. */
import { describe, expect, test } from 'vitest';
import { programOf, useOf } from '#src/shared/model/persons-programs.ts';
import { type Candidate, markOf, sorted, withKin } from '#src/shared/model/process-mark.ts';

describe('a program', () => {
  test.each([
    ['firefox', 'firefox https://example.com/', 'persons'],
    ['Google Chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', 'persons'],
    ['chrome', '/opt/google/chrome/chrome --profile-directory=Default', 'persons'],
    ['tmux', 'tmux new-session -d', 'persons'],
    ['SCREEN', 'SCREEN -dmS work', 'persons'],
    ['code', '/usr/share/code/code --unity-launch', 'persons'],
    ['chrome', 'chrome --headless=new about:blank', 'other'],
    ['chrome', 'chrome --remote-debugging-pipe', 'other'],
    ['chromium', 'chromium --remote-debugging-port=9222', 'other'],
    ['chromium', 'chromium --user-data-dir=/tmp/x', 'other'],
    ['firefox', 'firefox -profile /tmp/x -juggler-pipe', 'other'],
    ['firefox', 'firefox -headless', 'other'],
    ['chrome', 'chrome --type=renderer --user-data-dir=/home/me/.config/x', 'helper'],
    ['firefox', 'firefox -contentproc -childID 1', 'helper'],
    ['node', 'node server.js', 'other'],
    ['headless_shell', 'headless_shell --headless', 'other'],
    ['sleep', 'sleep 100 firefox', 'other'],
  ])('%s as `%s` is of the kind %s', (program, commandLine, use) => {
    expect(useOf(program, commandLine)).toBe(use);
  });

  test.each([
    ['/usr/bin/tmux: server', 'tmux'],
    ['tmux: server', 'tmux'],
    ['vim', 'vim'],
    ['/opt/google/chrome/chrome', 'chrome'],
    ['', ''],
  ])('`%s` is called %s', (path, name) => {
    expect(programOf(path)).toBe(name);
  });
});

/** As `pid:ppid:pgid:session`, then the command line. */
function process(text: string): Candidate {
  const [numbers = '', ...words] = text.split(' ');
  const [pid = 0, ppid = 1, pgid = pid, session = pgid] = numbers.split(':').map(Number);
  return {
    pid,
    ppid,
    pgid,
    session,
    state: 'S',
    startTime: String(pid),
    cpuTicks: 0,
    rssPages: 0,
    program: programOf(words[0] ?? ''),
    commandLine: words.join(' '),
  };
}

const pids = (found: readonly { readonly pid: number }[]) => found.map(({ pid }) => pid);

describe('what belongs to a server', () => {
  const look = (
    table: readonly string[],
    marked: readonly number[],
    sessions = new Set<number>(),
  ) => pids(withKin(table.map(process), new Set(marked), new Set([10]), sessions));

  test('is what carries the mark, outside of its group', () => {
    expect(look(['10:1', '11:10:10', '20:1', '30:1'], [10, 11, 20])).toEqual([20]);
  });

  test('is what its members have started, with any environment', () => {
    expect(look(['10:1', '11:10:10', '21:11', '22:21', '30:1'], [])).toEqual([21, 22]);
  });

  test('is its session, also when the parents are gone', () => {
    expect(look(['20:1:20:10', '21:1:20:10', '30:1'], [])).toEqual([20, 21]);
  });

  test('is the session of what was found once', () => {
    const sessions = new Set<number>();
    expect(look(['10:1', '20:10', '21:20:21:20'], [], sessions)).toEqual([20, 21]);
    expect(look(['21:1:21:20', '30:1'], [], sessions)).toEqual([21]);
  });

  test('is in no particular order', () => {
    expect(new Set(look(['22:21', '21:20', '20:1'], [20]))).toEqual(new Set([20, 21, 22]));
  });

  test('is nobody that only shares a session with it', () => {
    expect(look(['20:1:20:5', '21:1:21:5', '5:1'], [20])).toEqual([20]);
  });
});

describe('a person keeps', () => {
  const left = (...texts: readonly string[]) => {
    const { ending, left: kept } = sorted(texts.map(process));
    return { ending: pids(ending), left: pids(kept) };
  };

  test('a browser with all that it has started', () => {
    const found = left('20:1 /usr/bin/firefox', '21:20 firefox -contentproc', '22:21 helper');
    expect(found).toEqual({ ending: [], left: [20, 21, 22] });
  });

  test('what runs in a terminal that outlives its window', () => {
    const found = left('20:1 tmux new', '21:20 -bash', '22:21 chrome --headless', '30:1 node x');
    expect(found).toEqual({ ending: [30], left: [20, 21, 22] });
  });

  test('no browser that works for a program, and none of its helpers', () => {
    const found = left('20:1 chrome --headless', '21:20 chrome --type=gpu', '22:1 chrome --type=x');
    expect(found).toEqual({ ending: [20, 21, 22], left: [] });
  });

  test('nothing of what has started a browser', () => {
    expect(left('20:1 sh -c x', '21:20 firefox')).toEqual({ ending: [20], left: [21] });
  });
});

test('a mark names its gateway, its server and what becomes of it', () => {
  expect(markOf('s', 'a', 'end')).toBe('s.a.');
  expect(markOf('s', null, 'end')).toBe('s.');
  // Whoever looks for those that are to end does not find it.
  expect(markOf('s', 'a', 'leave').startsWith('s.')).toBe(false);
});
