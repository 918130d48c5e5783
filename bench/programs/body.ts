/**
 * What others feel while one client posts a body of 30 MB: the longest wait of `/healthz`, asked all the time by a
 * process of its own. Whatever the main thread does in one piece is a wait of all clients.
 */
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from '../lib/environment.ts';
import { mainThreadMs } from '../lib/procfs.ts';
import type { Context, Program } from '../lib/program.ts';
import { Recorder } from '../lib/recorder.ts';
import { inRounds, type Point } from '../lib/rounds.ts';
import { RAW } from '../lib/servers.ts';
import type { SideName } from '../lib/sides.ts';
import { HANDSHAKE, untilServing } from '../lib/wire.ts';

const SIDE: SideName = 'rea-http';
const BYTES = 30_000_000;
const PROBE = fileURLToPath(new URL('../servers/probe.mjs', import.meta.url));
const NOTHING = 'nothing posted';
const NOTHING_MS = 500;

/** What the argument of the call is, as it is in the body. */
const CONTENTS: Readonly<Record<string, () => string>> = {
  text: () => `"${'x'.repeat(BYTES)}"`,
  'dense JSON': () => many('{"a":1,"b":[true,null,"x"],"c":-1.5e3},'),
  'pretty-printed': () =>
    many(
      `\n    ${JSON.stringify({ a: 1, b: [true, null, 'x'] }, null, 2).replaceAll('\n', '\n    ')},`,
    ),
};

export const body: Program = {
  name: 'body',
  title: 'A large body beside others',
  summary: 'the longest wait of /healthz beside a POST of 30 MB',
  quickSeconds: 15,
  run: async (context) => {
    const { quick, sides, node, scope } = context;
    const repetitions = context.repetitions ?? (quick ? 2 : 5);
    const recorder = new Recorder([
      { name: 'longest wait of /healthz', unit: 'ms', better: 'lower' },
      { name: 'answer to the POST', unit: 'ms', better: 'lower' },
      { name: 'main busy', unit: 'ms', better: 'lower' },
    ]);
    const gateway = await sides.start(SIDE, [RAW.server(node, 'one')]);
    const name = gateway.tool('one', RAW.tool);
    await untilServing(await gateway.connect(), [name]);
    const { url } = gateway;
    if (url === null) throw new Error('it does not speak HTTP');
    const session = await openSession(url);
    const probe = startProbe(context, new URL('/healthz', url).href);
    const measured = async (work: () => Promise<void>) => {
      await probe.start();
      const [main, from] = [mainThreadMs(gateway.pid), performance.now()];
      await work();
      const took = performance.now() - from;
      const busy = mainThreadMs(gateway.pid) - main;
      return { longest: await probe.stop(), took, busy };
    };
    const points: Point[] = Object.entries(CONTENTS).map(([scenario, content]) => ({
      scenario,
      side: SIDE,
      measure: async () => {
        const call = callWith(name, content());
        const { longest, took, busy } = await measured(() => post(url, call, session));
        return {
          'longest wait of /healthz': longest,
          'answer to the POST': took,
          'main busy': busy,
        };
      },
    }));
    const calm: Point = {
      scenario: NOTHING,
      side: SIDE,
      measure: async () => {
        const { longest } = await measured(() => pause(NOTHING_MS));
        return { 'longest wait of /healthz': longest };
      },
    };
    try {
      await inRounds(context, recorder, [...points, calm], { repetitions, warmUp: true });
    } finally {
      await scope.stop(probe.started);
      await gateway.stop();
    }
    return {
      repetitions,
      metrics: recorder.metrics,
      figures: recorder.figures(),
      goals: [
        {
          figure: 'longest /healthz beside a POST of 30 MB',
          limit: 'at most',
          unit: 'ms',
          parts: Object.keys(CONTENTS).map((scenario) =>
            recorder.part(
              scenario,
              { metric: 'longest wait of /healthz', scenario, side: SIDE },
              { must: 60, aim: 25 },
            ),
          ),
        },
      ],
      notes: [
        'The POST is one call of a tool with 30 MB of arguments, which its server gets. Client, gateway, server and the process that asks `/healthz` share the cores: a part of each wait is the scheduler’s.',
        `${NOTHING}: the longest of ${NOTHING_MS} ms without a POST.`,
      ],
    };
  },
};

function many(item: string): string {
  return `[${item.repeat(Math.floor(BYTES / item.length))}0]`;
}

function callWith(name: string, content: string): Buffer {
  return Buffer.from(
    `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"${name}","arguments":{"bytes":100,"content":${content}}}}`,
  );
}

/** @returns the headers of a session. */
async function openSession(url: string): Promise<Record<string, string>> {
  const params = { ...HANDSHAKE, clientInfo: { name: 'rea-bench-body', version: '1.0.0' } };
  const response = await send(
    url,
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  );
  await response.text();
  const id = response.headers.get('mcp-session-id');
  if (id === null) throw new Error('there is no session');
  const session = { 'mcp-session-id': id, 'mcp-protocol-version': HANDSHAKE.protocolVersion };
  const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' };
  await (await send(url, JSON.stringify(initialized), session)).text();
  return session;
}

/** Throws when it is not answered with a result. */
async function post(url: string, call: Buffer, session: Record<string, string>): Promise<void> {
  const response = await send(url, call, session);
  const text = await response.text();
  if (!response.ok || !text.includes('"result"') || text.includes('"isError":true')) {
    throw new Error(`status ${response.status}: ${text.slice(0, 200)}`);
  }
}

function send(url: string, content: string | Buffer, session: Record<string, string> = {}) {
  return fetch(url, {
    method: 'POST',
    body: typeof content === 'string' ? content : new Uint8Array(content),
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...session,
    },
  });
}

function startProbe({ scope, node }: Context, url: string) {
  const dir = scope.directory();
  const env = cleanEnvironment(dir, node);
  const started = scope.spawn(node, [PROBE, url], { cwd: dir, env });
  const { stdin, stdout } = started.child;
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const ask = async (what: string) => {
    stdin.write(`${what}\n`);
    const { done, value } = await lines.next();
    if (done === true) throw new Error(`the probe has ended: ${started.stderr()}`);
    return value;
  };
  return { started, start: () => ask('start'), stop: async () => Number(await ask('stop')) };
}
