/**
 * `rea enable`, `disable`, `add` and `remove`: a change of the configuration file, which is then put in force by
 * every gateway that serves it. Programs of other servers that wait to be taken go on waiting.
 */
import { sharedState } from '../audit/own-state.ts';
import { type Edit, type Edited, editConfig } from '../config/edit/edit-file.ts';
import { ask, Silent, Unreachable } from '../operator/ask.ts';
import { configsOfDead, type Found, findGateways } from '../operator/reach.ts';
import { pinsOf, readPins } from '../pins/read-pins.ts';
import { stateDirectory } from '../processes/state-directory.ts';
import {
  type ActingOptions,
  actOn,
  askResult,
  EXIT,
  line,
  type Outcome,
  outcomeOf,
  serverLine,
} from './acting.ts';
import { runPinsAccept } from './pins-accept.ts';
import { onlyNew } from './restart.ts';

export interface ChangeOptions extends ActingOptions {
  /** Absolute; the file that the gateways serve if absent. */
  readonly config?: string;
  readonly edit: Edit;
}

/** Resolves with the exit code: 0 it is as wanted, 1 it is not, 2 bad input, 3 written, but no gateway, 4 no answer. */
export async function runChange(options: ChangeOptions): Promise<number> {
  const { cwd, pid, edit, stdout, stderr } = options;
  const since = performance.now();
  const serving: Serving[] = [];
  for (const gateway of await findGateways(cwd, pid ?? null)) {
    serving.push({ gateway, config: await configOf(cwd, gateway) });
  }
  const chosen = options.config === undefined ? fileOf(cwd, serving) : { file: options.config };
  if (typeof chosen === 'string') {
    line(stderr, chosen);
    return EXIT.usage;
  }
  const edited = editConfig({ cwd, ...chosen }, edit);
  if (!edited.ok) {
    line(stderr, edited.message);
    return edited.isInput ? EXIT.usage : EXIT.failed;
  }
  line(stdout, `${edit.server}: ${said(edited)}`);
  const concerned = serving.filter(({ config }) => {
    return config === null || config.file === '' || config.file === edited.file;
  });
  const on = edit.kind === 'enable' || edit.kind === 'add';
  if (concerned.length === 0) {
    line(stderr, 'no gateway is running that serves this file: it holds from the next start on');
    if (on) await acceptForNextStart(options);
    return EXIT.none;
  }
  const path = `servers/${encodeURIComponent(edit.server)}/apply?on=${on ? 1 : 0}`;
  const gateways = concerned.map(({ gateway }) => gateway);
  return actOn(options, gateways, async (gateway, tell) => {
    const failed = concerned.find((one) => one.gateway === gateway)?.config?.failed ?? null;
    if (failed !== null) return failed;
    const onStep = onlyNew((going) => tell(`${edit.server}: ${going}`));
    return askResult(gateway, { method: 'POST', path, onStep }, (result) => {
      return serverLine(edit.server, result, since);
    });
  });
}

/** Where programs are pinned already, that of the server is, too: who names it has seen it. */
async function acceptForNextStart(options: ChangeOptions): Promise<void> {
  const { cwd, config, edit, stdout, stderr } = options;
  const { env } = process;
  const pins = pinsOf(readPins(stateDirectory(sharedState({ cwd, env }))));
  if (pins?.programs === undefined) return;
  const place = { cwd, env, stdout, stderr, ...(config === undefined ? {} : { config }) };
  await runPinsAccept({ ...place, names: [edit.server], all: false });
}

interface Serving {
  readonly gateway: Found;
  /** Null: it does not say. `file`: '' when nobody knows. */
  readonly config: { readonly file: string; readonly failed: Outcome | null } | null;
}

/** What a gateway serves; a gateway that does not answer is told of at the end, with what was written. */
async function configOf(cwd: string, gateway: Found): Promise<Serving['config']> {
  try {
    const { value } = await ask(gateway, { method: 'GET', path: 'status' });
    const file = value['config_file'];
    return typeof file === 'string' ? { file, failed: null } : null;
  } catch (error) {
    if (!(error instanceof Silent || error instanceof Unreachable)) throw error;
    return { file: gateway.config ?? '', failed: outcomeOf(cwd, gateway, error) };
  }
}

/** The file that the gateways serve, or served last; none: the registry of the directory. Or one line: it is not clear. */
function fileOf(cwd: string, serving: readonly Serving[]): { readonly file?: string } | string {
  const said = serving.flatMap(({ config }) => (config?.file ? [config.file] : []));
  const [file, ...others] = new Set(serving.length > 0 ? said : configsOfDead(cwd, process.env));
  if (others.length > 0) return 'the gateways here serve different files: name one with --config';
  if (file !== undefined) return { file };
  const silent = serving.find(({ config }) => config?.failed != null);
  if (silent === undefined) return {};
  const who = `the gateway (pid ${silent.gateway.identity.pid})`;
  return `${who} does not say which file it serves, so nothing is written: name it with --config`;
}

function said({ where, isChanged }: Extract<Edited, { ok: true }>): string {
  return isChanged ? `written to ${where}` : `${where} says so already`;
}
