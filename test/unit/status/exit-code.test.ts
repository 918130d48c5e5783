/** Which files and processes lead to which exit code and verdict of `rea status`. */
import { describe, expect, it } from 'vitest';
import { AUDIT_OFF } from '#src/shared/model/audit.ts';
import {
  downstream,
  fromNow,
  GONE,
  instance,
  LIVING,
  project,
  SESSION,
  snapshot,
  statusJson,
} from './project.ts';

const OTHER = '3b0c5a4e-0000-4000-8000-000000000002';
const foreign = { ...LIVING, pid_ns: 'pid:[1]' };
const old = fromNow(-60_000);
const RECORDED = { ...AUDIT_OFF, state: 'on', records: 9 } as const;

/** Files of `.rea` → what `rea status` makes of them. */
const CASES: readonly [
  name: string,
  files: Record<string, unknown>,
  exit: number,
  serve: Record<string, unknown>,
][] = [
  ['nothing at all', {}, 3, { running: false, stale: false, pid: null, downstreams: null }],
  ['a gateway with all servers ready', { 'serve.state.json': snapshot() }, 0, { running: true }],
  [
    'a server that idles',
    { 'serve.state.json': snapshot({ downstreams: [downstream({ phase: 'idle' })] }) },
    0,
    { running: true },
  ],
  [
    'a server in back-off',
    { 'serve.state.json': snapshot({ downstreams: [downstream({ phase: 'backoff' })] }) },
    1,
    { running: true, stale: false },
  ],
  [
    'an open circuit',
    { 'serve.state.json': snapshot({ downstreams: [downstream({ circuit_state: 'open' })] }) },
    1,
    { running: true },
  ],
  [
    'a stalled main',
    {
      'serve.state.json': snapshot({
        main: { state: 'stalled', stalled_since: old, loop_lag_ms: 0 },
      }),
    },
    1,
    { running: true },
  ],
  [
    'a server that waits for a person',
    {
      'serve.state.json': snapshot({
        reload: {
          problems: null,
          waiting: [{ name: 'a', change: 'new', what: '/bin/sh', since: old }],
          more: 0,
        },
      }),
    },
    1,
    { running: true, reload: { problems: null, waiting: [{ name: 'a', change: 'new' }], more: 0 } },
  ],
  [
    'more servers that wait than are named',
    { 'serve.state.json': snapshot({ reload: { problems: null, waiting: [], more: 3 } }) },
    1,
    { running: true },
  ],
  [
    'a state file from before servers could wait',
    { 'serve.state.json': { ...snapshot(), reload: undefined } },
    0,
    { running: true, reload: { problems: null, waiting: [], more: 0 } },
  ],
  ['an audit log that is written', { 'serve.state.json': snapshot({ audit: RECORDED }) }, 0, {}],
  [
    'an audit log that has lost records',
    { 'serve.state.json': snapshot({ audit: { ...RECORDED, lost: 3 } }) },
    1,
    { running: true },
  ],
  [
    'an audit log that cannot be written',
    { 'serve.state.json': snapshot({ audit: { ...RECORDED, state: 'failing', since: old } }) },
    1,
    { running: true },
  ],
  ['HALT', { 'serve.state.json': snapshot(), HALT: 'enough' }, 1, { running: true }],
  ['halt in lower case', { 'serve.state.json': snapshot(), halt: '' }, 1, { running: true }],
  [
    'a gateway that no longer writes',
    { 'serve.state.json': snapshot({ updated_at: fromNow(-16_000) }) },
    4,
    { running: true, stale: true },
  ],
  [
    'a slower heartbeat',
    { 'serve.state.json': snapshot({ updated_at: fromNow(-16_000), heartbeat_ms: 60_000 }) },
    0,
    { running: true, stale: false },
  ],
  [
    'a state from the future',
    { 'serve.state.json': snapshot({ updated_at: fromNow(3_600_000) }) },
    4,
    { running: true, stale: true },
  ],
  [
    'a dead owner',
    { 'serve.state.json': snapshot({ owner: GONE }) },
    4,
    { running: false, stale: false, pid: GONE.pid },
  ],
  [
    'an owner of another boot',
    { 'serve.state.json': snapshot({ owner: { ...LIVING, boot_id: 'another' } }) },
    4,
    { running: false },
  ],
  [
    'a dead owner while another gateway takes over',
    {
      'serve.state.json': snapshot({ owner: GONE }),
      [`run/${OTHER}.json`]: instance({ session_id: OTHER, started_at: fromNow(-1000) }),
    },
    1,
    { running: false },
  ],
  [
    'a dead owner beside a gateway that serves',
    {
      'serve.state.json': snapshot({ owner: GONE }),
      [`run/${OTHER}.json`]: instance({ session_id: OTHER }),
      [`run/${OTHER}.state.json`]: snapshot({ session_id: OTHER }),
    },
    0,
    { running: false, stale: false, downstreams: [{ connected: false, healthy: false }] },
  ],
  [
    'a failed server of another gateway than the owner',
    {
      'serve.state.json': snapshot(),
      [`run/${OTHER}.json`]: instance({ session_id: OTHER }),
      [`run/${OTHER}.state.json`]: snapshot({
        session_id: OTHER,
        downstreams: [downstream({ phase: 'failed' })],
      }),
    },
    1,
    { running: true },
  ],
  [
    'another gateway that no longer writes',
    {
      'serve.state.json': snapshot(),
      [`run/${OTHER}.json`]: instance({ session_id: OTHER }),
      [`run/${OTHER}.state.json`]: snapshot({ session_id: OTHER, updated_at: old }),
    },
    4,
    { running: true, stale: false },
  ],
  [
    'another gateway of a version that shows itself only as the owner',
    {
      'serve.state.json': snapshot(),
      [`run/${OTHER}.json`]: { ...instance({ session_id: OTHER }), parent_pid: undefined },
    },
    0,
    { running: true },
  ],
  [
    'the picture of another session in the place of its own',
    {
      'serve.state.json': snapshot(),
      [`run/${OTHER}.json`]: instance({ session_id: OTHER }),
      [`run/${OTHER}.state.json`]: snapshot(),
    },
    4,
    { running: true },
  ],
  [
    'a dead owner and a gateway that should have taken over',
    {
      'serve.state.json': snapshot({ owner: GONE, updated_at: old }),
      [`run/${OTHER}.json`]: instance({ session_id: OTHER }),
    },
    4,
    { running: false, stale: true },
  ],
  [
    'a fresh owner in another pid namespace',
    { 'serve.state.json': snapshot({ owner: foreign }) },
    0,
    { running: true },
  ],
  [
    'an old owner in another pid namespace',
    { 'serve.state.json': snapshot({ owner: foreign, updated_at: old }) },
    4,
    { running: false },
  ],
  [
    'a gateway that has just started',
    { [`run/${SESSION}.json`]: instance({ started_at: fromNow(-1000) }) },
    1,
    { running: false, stale: false },
  ],
  [
    'a gateway that never wrote its state',
    { [`run/${SESSION}.json`]: instance(), 'serve.pid': `${LIVING.pid}\n` },
    4,
    { running: true, stale: true, pid: LIVING.pid },
  ],
  [
    'the record of a gateway that is gone',
    { [`run/${SESSION}.json`]: instance(GONE), 'serve.pid': `${GONE.pid}\n` },
    3,
    { running: false },
  ],
  ['a malformed state alone', { 'serve.state.json': '{"session_id":' }, 3, { running: false }],
  [
    'a malformed state and a living gateway',
    { 'serve.state.json': '[]', [`run/${SESSION}.json`]: instance() },
    4,
    { downstreams: null },
  ],
  ['a pid file that names nobody', { 'serve.pid': '2147483647' }, 3, { running: false }],
  ['a pid file with something else in it', { 'serve.pid': '-1' }, 3, { pid: null }],
];

describe('the exit code', () => {
  it.each(CASES)('%s', (_name, files, exit, serve) => {
    const { cwd, write } = project();
    for (const [path, content] of Object.entries(files)) write(path, content);
    const seen = statusJson(cwd);
    expect(seen.exit).toBe(exit);
    expect(seen.report.serve).toMatchObject(serve);
  });

  it('never merges two gateways', () => {
    const { cwd, write } = project();
    write('serve.state.json', snapshot());
    write(`run/${SESSION}.json`, instance());
    write(`run/${OTHER}.json`, instance({ session_id: OTHER, ...GONE }));
    write('run/last.json', { session_id: OTHER });
    const listed = statusJson(cwd).report.serve.instances;
    expect(listed).toMatchObject([
      { session_id: SESSION, pid: LIVING.pid, alive: true, owner: true },
      { session_id: OTHER, pid: GONE.pid, alive: false, owner: false },
    ]);
  });
});
