/**
 * No command prints a control, bidi, tag or other invisible code point that a server, a client or a file has brought,
 * wherever it stands: each of them is planted in every name, reason, error and record that is shown.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { runAuditStats, runAuditTail, runAuditVerify } from '#src/main/commands/audit.ts';
import { banner } from '#src/main/commands/banner.ts';
import { runCheck } from '#src/main/commands/check.ts';
import { runFreeze, runUnfreeze } from '#src/main/commands/freeze.ts';
import { loadConfig } from '#src/main/config/load.ts';
import { TerminalLog } from '#src/main/log/terminal-log.ts';
import { stateDirectory } from '#src/main/processes/state-directory.ts';
import { AUDIT_OFF, type AuditBody } from '#src/shared/model/audit.ts';
import { AuditStore } from '#src/shared/platform/audit-store.ts';
import { asciiJson } from '#src/shared/text/clean-text.ts';
import {
  downstream,
  fromNow,
  instance,
  project,
  SESSION,
  snapshot,
  status,
} from './status/project.ts';

/** What no terminal may get; a newline only where a line of ours ends. */
const HARMFUL =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\p{Default_Ignorable_Code_Point}]/u;
const MARK = 'Zq';
/** So many that a text is cut nowhere: the shortest place has room for 80 characters. */
const EACH = 36;

/** Of surrogates, and of what is reserved behind the tags, the ends: each of these is like the next. */
const ALIKE = [
  [0xd800, 0xdbff],
  [0xdc00, 0xdfff],
  [0xe01f0, 0xe0fff],
] as const;

const POINTS = Array.from({ length: 0x11_0000 }, (_, point) => point).filter(
  (point) =>
    HARMFUL.test(String.fromCodePoint(point)) &&
    !ALIKE.some(([from, to]) => point > from + 1 && point < to - 1),
);

/** Each text has some of them, with letters between. */
const TEXTS = Array.from({ length: Math.ceil(POINTS.length / EACH) }, (_, at) => {
  const some = POINTS.slice(at * EACH, (at + 1) * EACH);
  return MARK + some.map((point) => `${String.fromCodePoint(point)}a`).join('');
});

const SERVER = 'files';

/** A directory in which everything that somebody else may have written says it. */
function planted(text: string) {
  const { cwd, write } = project();
  const env = {
    XDG_STATE_HOME: join(cwd, 'state-home'),
    XDG_CONFIG_HOME: join(cwd, 'config-home'),
    HOME: cwd,
    NO_COLOR: '1',
  };
  const json = (value: unknown) => asciiJson(value);
  const at = fromNow(-5000);
  const exit = {
    code: 1,
    signal: null,
    at,
    reason: 'exit',
    detail: text,
    stderr_tail: text,
  } as const;
  const lost = { name: text, last_error: text, withheld: 3, withheld_why: text, last_exit: exit };
  write(
    'serve.state.json',
    json({
      ...snapshot({
        gateway_version: text,
        clients: [{ name: text, version: text }],
        disabled: [text],
        left_out: [text],
        downstreams: [
          downstream({ ...lost, phase: 'failed', circuit_state: 'open' }),
          downstream(),
        ],
        audit: { ...AUDIT_OFF, state: 'failing', error: text, since: at },
      }),
      priority: text,
      write_errors: { count: 1, last: text },
      reload: {
        problems: { lines: [text], since: at },
        waiting: [{ name: text, change: 'new', what: text, since: at }],
        loosened: { lines: [text], since: at },
        more: 0,
      },
    }),
  );
  const halt = { active: true, reason: text };
  write(`run/${SESSION}.json`, json(instance({ log_file: text, state_dir: text, halt })));
  write(
    'run/last.json',
    json({ session_id: SESSION, stopped_at: at, reason: text, servers: [lost] }),
  );
  write('HALT', text);
  write(
    'policy.yaml',
    json({ profile: text, autonomy_level: 'L1', tools: { deny: [`x__${text}`] } }),
  );
  const rules = { tools: { deny: [text] }, tier_overrides: { [text]: 'destructive' } };
  write(
    'registry.yaml',
    json({ version: '1', servers: [{ name: SERVER, command: 'true', ...rules }] }),
  );
  const loaded = loadConfig({ cwd, env });
  const fingerprint = loaded.ok ? loaded.config.servers[0]?.fingerprint : '';
  const tools = [json({ name: `set ${text}` }), json({ name: `delete ${text}` })];
  const remembered = { fingerprint, profile: null, lists: { tools } };
  write('catalog.json', json({ schema: 2, servers: { [SERVER]: remembered }, held: {} }));
  records(cwd, env, text);
  return { cwd, env, valid: loaded.ok };
}

function records(cwd: string, env: NodeJS.ProcessEnv, text: string): void {
  const stateDir = stateDirectory({ cwd, env });
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const store = new AuditStore({
    dir: join(cwd, '.rea'),
    stateDir,
    session: 's-1',
    bootId: 'b',
    about: {},
  });
  const body: AuditBody = {
    timestamp: new Date().toISOString(),
    session_id: 's-1',
    tool_name: text,
    server_name: text,
    tier: text as 'read',
    status: text as 'denied',
    autonomy_level: text,
    duration_ms: 1,
    error: text,
    client: text,
    rule: text,
    outcome: text,
    metadata: { event: text, reason: text, answer: text, method: text },
  };
  store.open();
  store.append([body, { ...body, metadata: { ...body.metadata, event: 'end' } }]);
  store.sync();
  store.close();
}

function sink(): { stream: Writable; text: () => string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

/** What each command prints there, on both streams. */
async function printed({ cwd, env, valid }: ReturnType<typeof planted>, text: string) {
  const outputs: Record<string, string> = {};
  const run = async (
    name: string,
    command: (streams: { stdout: Writable; stderr: Writable }) => unknown,
  ) => {
    const out = sink();
    await command({ stdout: out.stream, stderr: out.stream });
    outputs[name] = out.text();
  };
  for (const [name, asked] of Object.entries({
    'status --verbose': { verbose: true },
    'status on a terminal': { verbose: true, tty: 100 },
    'status --json': { json: true },
    'status NAME': { server: `${text}?` },
  })) {
    const { text: shown, stderr } = status(cwd, { ...asked, env });
    outputs[name] = shown + stderr;
  }
  await run('check', (streams) => runCheck({ cwd, env, ...streams }));
  const explained: [string, string][] = valid
    ? [
        [SERVER, `delete ${text}`],
        [SERVER, `${text}?`],
        [`${text}?`, text],
      ]
    : [];
  for (const [at, explain] of explained.entries()) {
    await run(`explain ${at}`, (streams) => runCheck({ cwd, env, explain, ...streams }));
  }
  for (const json of [false, true]) {
    await run(`audit tail ${json}`, ({ stdout }) =>
      runAuditTail({ cwd, lines: 9, follow: false, json, stdout }),
    );
    await run(`audit stats ${json}`, ({ stdout }) => runAuditStats({ cwd, json, stdout }));
  }
  await run('freeze', (streams) => runFreeze({ cwd, env, reason: text, ...streams }));
  const stdin = new PassThrough();
  stdin.end('n\n');
  await run('unfreeze', (streams) => runUnfreeze({ cwd, env, yes: false, stdin, ...streams }));
  const log = (record: object) => {
    let said = '';
    const terminal = new TerminalLog(
      (line) => {
        said += line;
      },
      true,
      env,
    );
    terminal.take(JSON.stringify(record));
    terminal.finish();
    return said;
  };
  const server = text;
  outputs['log'] = [
    { level: 'warn', msg: text, server, field: text, [text]: 1, err: { message: text } },
    { level: 'info', msg: text, stream: 'stderr', server },
    { level: 'error', msg: 'child_died_unexpectedly', server, detail: text },
    { level: 'error', msg: text },
  ]
    .map(log)
    .join('');
  outputs['banner'] = banner({
    version: text,
    cwd: text,
    dir: text,
    servers: [text],
    endpoint: { stdio: true, http: text, auth: 'token', token_file: text },
    token: 't',
    logFile: text,
  });
  return outputs;
}

/** These name only files, which have names of our own. */
const WITHOUT_NAMES = new Set(['audit verify']);

test('no code point that drives, hides or reorders gets through any command', {
  timeout: 170_000,
}, async () => {
  expect(POINTS.length).toBeGreaterThan(700);
  for (const point of [0, 0x1b, 0x7f, 0x9b, 0xad, 0x202e, 0x2069, 0x2028, 0xfeff, 0xe0041]) {
    expect(POINTS).toContain(point);
  }
  let explained = 0;
  for (const text of TEXTS) {
    const place = planted(text);
    const outputs = await printed(place, text);
    const out = sink();
    const { stream } = out;
    runAuditVerify({ ...place, files: [], stdout: stream, stderr: stream });
    outputs['audit verify'] = out.text();
    if (place.valid) explained += 1;
    for (const [name, output] of Object.entries(outputs)) {
      const harmful = Array.from(output.replaceAll('\n', '')).filter((one) => HARMFUL.test(one));
      expect([name, harmful]).toEqual([name, []]);
      // It was really there to be shown.
      if (!WITHOUT_NAMES.has(name))
        expect([name, output]).toEqual([name, expect.stringContaining(MARK)]);
    }
  }
  // A name may be refused by the configuration, which prints it as well.
  expect(explained).toBeGreaterThan(TEXTS.length / 2);
});
