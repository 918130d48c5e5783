/** The routes of `/api/v1`: what is asked, and what is done to the gateway. */
import type { ServerResponse } from 'node:http';
import { errorText } from '../../shared/platform/errno.ts';
import { clip, oneLine } from '../../shared/text/clean-text.ts';
import { nearest } from '../config/problem.ts';
import type { ControlLog, PageDoor } from './control-options.ts';
import type { Operable, Reloaded, ServerView } from './operable.ts';
import { type ApiRequest, NOT_KNOWN, reply } from './reply.ts';
import { isDown, isGone, leavingText, settledOf } from './settling.ts';
import { type Step, streamSteps } from './steps.ts';
import type { Watching } from './watching.ts';

export interface Api {
  readonly operable: Operable;
  readonly watching: Watching;
  readonly log: Pick<ControlLog, 'warn'>;
  /** Null: it cannot be asked for here. */
  readonly page: PageDoor | null;
  /** How it was asked for, completing "restarted …". */
  readonly by: string;
}

const MAX_REASON = 1000;
const MOST_NAMES = 200;
/** How long the gateway may take to see a kill switch that it has set itself. */
const HALT_MS = 2000;
const WAITS = 'waits for a server that is just starting and has calls';
const STOPPING = { error: 'the gateway is stopping' };

export async function route(
  api: Api,
  request: ApiRequest,
  response: ServerResponse,
): Promise<void> {
  const { method, path } = request;
  if (method === 'GET') return look(api, request, response);
  if (method !== 'POST') return reply(response, 405, { error: 'use GET or POST' });
  if (api.operable.stopping) return reply(response, 503, STOPPING);
  const [what, name, verb, ...rest] = path;
  if (what === 'servers' && name !== undefined && verb !== undefined && rest.length === 0) {
    return toServer(api, name, { ...request, path: [verb] }, response);
  }
  if (path.length !== 1) return reply(response, 404, NOT_KNOWN);
  if (what === 'ui' && api.page !== null) return openPage(api.page, response);
  return toGateway(api, what ?? '', request, response);
}

async function openPage(page: PageDoor, response: ServerResponse): Promise<void> {
  const opened = await page.open();
  if (!opened.ok) return reply(response, 409, { error: opened.message });
  return reply(response, 200, { port: opened.port, token_file: opened.tokenFile });
}

function look({ operable, watching }: Api, request: ApiRequest, response: ServerResponse): void {
  const [what, name, ...rest] = request.path;
  if (rest.length > 0) return reply(response, 404, NOT_KNOWN);
  if (what === 'servers' && name !== undefined) {
    const server = find(operable, name);
    return server === undefined
      ? reply(response, 404, unknownServer(operable, name))
      : reply(response, 200, server);
  }
  if (what === 'logs') {
    if (operable.logFile === null) return reply(response, 409, { error: 'it keeps no log file' });
    if (watching.log(response, operable.logFile, name ?? null)) return;
    return reply(response, 503, { error: 'too many watch' });
  }
  if (name !== undefined) return reply(response, 404, NOT_KNOWN);
  switch (what ?? '') {
    case 'status':
      return reply(response, 200, statusOf(operable));
    case 'servers':
      return reply(response, 200, { servers: operable.servers() });
    case 'calls':
      return reply(response, 200, { calls: operable.calls() });
    case 'tools':
      return tools(operable, response);
    case 'events':
      if (watching.events(response)) return;
      return reply(response, 503, { error: 'too many watch' });
    default:
      return reply(response, 404, NOT_KNOWN);
  }
}

function statusOf(operable: Operable): object {
  const { sessionId, version, stopping, configFile, logFile } = operable;
  return {
    session_id: sessionId,
    pid: process.pid,
    version,
    stopping,
    config_file: configFile,
    log_file: logFile,
    ...operable.status(),
  };
}

/** The list goes out as the bytes that it is: it is never parsed here. */
function tools(operable: Operable, response: ServerResponse): void {
  const { json, places } = operable.tools();
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('{"tools":');
  response.write(json);
  response.end(`,"places":${JSON.stringify(places)}}`);
}

async function toServer(
  { operable, log, by }: Api,
  name: string,
  { path: [verb], query }: ApiRequest,
  response: ServerResponse,
): Promise<void> {
  const server = find(operable, name);
  switch (verb ?? '') {
    case 'restart': {
      if (server === undefined) return reply(response, 404, unknownServer(operable, name));
      if (server.state === 'off') {
        return reply(response, 409, { error: `server "${name}" is off: rea enable ${name}` });
      }
      log.warn({ server: name }, `restarted ${by}`);
      return restart(operable, name, query.get('now') === '1', response);
    }
    case 'enable':
    case 'disable': {
      if (server === undefined) return reply(response, 404, unknownServer(operable, name));
      const problem = await operable.setEnabled(name, verb === 'enable');
      if (problem !== null) return reply(response, 409, { error: problem });
      return apply(operable, name, verb === 'enable', response);
    }
    case 'apply':
      return apply(operable, name, query.get('on') === '1', response);
    default:
      return reply(response, 404, NOT_KNOWN);
  }
}

function restart(operable: Operable, name: string, now: boolean, response: ServerResponse): void {
  let begun = false;
  const step = (downMs: number): Step => {
    if (!begun) {
      const later = operable.restart(name, now);
      if (later !== null) return { going: later };
      begun = true;
    }
    return stepOf(find(operable, name), downMs);
  };
  streamSteps(response, step, () => begun && isServerDown(find(operable, name)));
}

/** The file says what becomes of this server, and its program is taken. @param on what the file should say. */
function apply(operable: Operable, name: string, on: boolean, response: ServerResponse): void {
  let isTold = false;
  const applied = (reloaded: Reloaded, downMs: number): Step => {
    if (reloaded.kind === 'refused') return failed(reloaded.problems.join('\n'));
    // Who asks for a name sees what it stands for: somebody else may have changed the entry.
    if (reloaded.taken !== null && !isTold) {
      isTold = true;
      return { going: `its program is new, and taken: ${reloaded.taken}` };
    }
    const server = find(operable, name);
    if (on !== (server?.state === 'on')) {
      const mistake = reloaded.problems.find((line) => line.includes(name));
      const file = `${operable.configFile} does not have it ${on ? 'enabled' : 'off'}`;
      return failed(mistake ?? `${file}; see rea check`);
    }
    if (on) return stepOf(server, downMs);
    const text = server === undefined ? 'removed' : 'off';
    return isGone(server)
      ? { done: { ok: true, text } }
      : { going: leavingText(server) ?? 'its process ends' };
  };
  reloading(operable, name, response, applied);
}

/** Puts the files in force, however long another change has to be waited for, and then looks at `then`. */
function reloading(
  operable: Operable,
  server: string | null,
  response: ServerResponse,
  then: (reloaded: Reloaded, downMs: number) => Step,
): void {
  let reloaded: Reloaded | null = null;
  operable.reload(server).then(
    (value) => {
      reloaded = value;
    },
    (error: unknown) => {
      reloaded = { kind: 'refused', problems: [`internal error: ${errorText(error)}`] };
    },
  );
  streamSteps(
    response,
    (downMs) => (reloaded === null ? { going: WAITS } : then(reloaded, downMs)),
    () => reloaded !== null && server !== null && isServerDown(find(operable, server)),
  );
}

/** What has become of all files. */
function reloadStep(reloaded: Reloaded): Step {
  const { kind, problems } = reloaded;
  if (kind === 'refused') {
    return failed([...problems, 'the earlier configuration stays in force'].join('\n'));
  }
  if (problems.length === 0) return { done: { ok: true, text: 'the configuration is in force' } };
  return failed([...problems, 'all else of the configuration is in force'].join('\n'));
}

function failed(text: string): Step {
  return { done: { ok: false, text } };
}

function stepOf(server: ServerView | undefined, downMs: number): Step {
  const settled = settledOf(server, downMs);
  switch (settled.kind) {
    case 'pending':
      return { going: settled.text };
    case 'ready':
      return { done: { ok: true, text: settled.text } };
    case 'failed':
      return { done: { ok: false, text: settled.why, action: settled.action } };
  }
}

function toGateway(
  { operable, log }: Api,
  verb: string,
  { body }: ApiRequest,
  response: ServerResponse,
): void {
  switch (verb) {
    case 'reload':
      return reloading(operable, null, response, reloadStep);
    case 'stop':
      log.warn({}, 'a command asks for the stop');
      reply(response, 202, { ok: true });
      return operable.stop();
    case 'freeze': {
      const given = body?.['reason'];
      const reason = typeof given === 'string' ? clip(oneLine(given).trim(), MAX_REASON) : '';
      if (reason === '') return reply(response, 400, { error: 'give a reason' });
      return halt(operable, true, () => void operable.freeze(reason), response);
    }
    case 'unfreeze':
      return halt(operable, false, () => operable.unfreeze(), response);
    default:
      return reply(response, 404, NOT_KNOWN);
  }
}

/** Writes or removes the file, and answers when the gateway has seen it. */
function halt(
  operable: Operable,
  wanted: boolean,
  change: () => string | null | void,
  response: ServerResponse,
): void {
  try {
    const problem = change();
    if (typeof problem === 'string') return reply(response, 409, { error: problem });
  } catch (error) {
    return reply(response, 409, { error: `HALT cannot be changed: ${errorText(error)}` });
  }
  const since = performance.now();
  streamSteps(response, () => {
    const seen = operable.halted === wanted;
    if (seen) return { done: { ok: true, text: wanted ? 'frozen' : 'unfrozen' } };
    if (performance.now() - since < HALT_MS) return { going: 'HALT is being looked at' };
    return failed('it has not seen HALT as it is now');
  });
}

function find(operable: Operable, name: string): ServerView | undefined {
  return operable.servers().find((server) => server.name === name);
}

function isServerDown(server: ServerView | undefined): boolean {
  return server?.lanes.some(isDown) === true;
}

function unknownServer(operable: Operable, name: string): object {
  const names = operable.servers().map((server) => server.name);
  const shown = clip(oneLine(name), 64);
  const like = nearest(name, names);
  const hint = like === null ? '' : `; did you mean "${like}"?`;
  return { error: `there is no server "${shown}"${hint}`, names: names.slice(0, MOST_NAMES) };
}
