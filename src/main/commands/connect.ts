/**
 * `rea connect`: writes rea's entry into the files of clients. All of them are read and the new texts made before the
 * first one is written; each is written behind a backup, from which `rea undo` puts it back.
 */
import { realpathSync } from 'node:fs';
import { sharedState } from '../audit/own-state.ts';
import { ownTokenPath } from '../clients/http/own-token.ts';
import type { EntryValue } from '../config/clients/known/client.ts';
import type { Host } from '../config/clients/known/files.ts';
import type { DraftServer } from '../config/draft.ts';
import { firstNames } from '../config/first-of.ts';
import { openConfig } from '../config/load.ts';
import { clip, problemLines } from '../config/problem.ts';
import { type LaunchedServer, launchedServers } from '../config/same-server.ts';
import { OTHER_STATE } from '../connect/backups.ts';
import { differenceLines } from '../connect/difference.ts';
import { editedText, writeClient } from '../connect/edit-client.ts';
import { launchOf } from '../connect/launch.ts';
import { connecting, servedBy } from '../connect/plan.ts';
import { notStartable } from '../connect/startable.ts';
import { openTargets, type Target } from '../connect/targets.ts';
import { prepareStateDirectory, stateDirectory } from '../processes/state-directory.ts';
import { shellWord } from '../shell-word.ts';
import { DRY_RUN, speechOn } from './say.ts';

export interface ConnectOptions {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  /** Absolute; the registry of the directory if absent. */
  readonly config?: string;
  readonly host: Host;
  /** Names of clients. */
  readonly clients: readonly string[];
  /** True: the files of the project, not those of the user. */
  readonly isProject: boolean;
  /** The port of a gateway that serves HTTP; null: the client starts rea. */
  readonly port: number | null;
  /** True: servers that rea serves are taken out of the client's file. */
  readonly takeOver: boolean;
  /** True: only say what would change. */
  readonly dryRun: boolean;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/** What becomes of a file. */
interface Planned extends Target {
  /** Null: it says so already. */
  readonly text: string | null;
  readonly lines: readonly string[];
  /** Servers that run twice from now on. */
  readonly twice: readonly string[];
  /** Servers that are not taken over, each with why not. */
  readonly kept: readonly string[];
}

/** What rea serves. */
interface Registry {
  /** Absolute. */
  readonly file: string;
  readonly servers: readonly LaunchedServer[];
  readonly whyNot: (name: string) => string | null;
}

/** @returns the exit code: 0 all are connected, 1 nothing is written, or not all, 2 bad usage. */
export function runConnect(options: ConnectOptions): number {
  const { cwd, config, clients, dryRun } = options;
  const { say, fail } = speechOn(options);
  const opened = openConfig({ cwd, ...(config === undefined ? {} : { file: config }) });
  if (!opened.ok) return fail(problemLines(opened.problems).slice(0, 1), 1);
  const { targets, lines, isUsage } = openTargets(clients, options);
  if (lines.length > 0) return fail(lines, isUsage ? 2 : 1);
  const registry = {
    file: opened.file,
    servers: launchedServers(opened.draft, cwd),
    whyNot: notStartable({
      cwd,
      env: options.host.env,
      ...(config === undefined ? {} : { config }),
    }),
  };
  const planned = targets.map((target) => plan(target, registry, options));
  const refused = planned.filter((one) => typeof one === 'string');
  if (refused.length > 0) return fail(refused, 1);
  const plans = planned.filter((one) => typeof one !== 'string');
  for (const one of plans) tell(one, say, options);
  if (dryRun) {
    say(DRY_RUN);
    return 0;
  }
  const failed = writeAll(plans, options, say);
  if (failed !== null) return fail(failed, 1);
  nextSteps(plans, options, say);
  return 0;
}

/** @returns in place of it one line that says why not. */
function plan(target: Target, registry: Registry, options: ConnectOptions): Planned | string {
  const { client, file, contents } = target;
  const { cwd, port, takeOver } = options;
  const entry = entryFor(target, options);
  if (entry === null) {
    return `${client.title} cannot read a token from its environment, and rea writes no token into files: connect it without --http`;
  }
  const shown = (one: DraftServer) => JSON.stringify(clip(contents.names.get(one) ?? one.name, 60));
  const isUp = ({ name }: LaunchedServer) => registry.whyNot(name) === null;
  const same = servedBy(contents, registry.servers.filter(isUp), cwd);
  const down = new Map(
    registry.servers
      .filter((one) => !isUp(one))
      .flatMap((one) => servedBy(contents, [one], cwd).map((server) => [server, one.name] as const))
      .filter(([server]) => !same.includes(server)),
  );
  if (same.length + down.size > 0 && takeOver && realpathSync(registry.file) === file.real) {
    return `${file.shown}: rea serves the servers of this very file; import them first: rea init --from ${client.name}`;
  }
  const taken = takeOver ? same : [];
  const changes = connecting(client, contents, entry, { isHttp: port !== null, taken });
  if (typeof changes === 'string') return `${file.shown}: ${changes}`;
  const edited = editedText(file, changes);
  if (typeof edited === 'string') return edited;
  const twice = same.filter((one) => !taken.includes(one));
  return {
    ...target,
    text: changes.length === 0 ? null : edited.text,
    lines: differenceLines(changes, contents, entry),
    twice: twice.map(shown),
    kept: takeOver
      ? [...down].map(([server, name]) => {
          return `${shown(server)}: rea cannot start it (${registry.whyNot(name)})`;
        })
      : [],
  };
}

function entryFor({ client }: Target, options: ConnectOptions): EntryValue | null {
  const { cwd, config, host, isProject, port } = options;
  if (port !== null) return client.http?.(`http://127.0.0.1:${port}/mcp`) ?? null;
  const { env } = host;
  return client.stdio(launchOf(client, { cwd, config: config ?? null, isProject, env }));
}

function tell(
  { client, file, text, lines, twice, kept }: Planned,
  say: (line: string) => void,
  options: ConnectOptions,
) {
  say(`${client.title}, ${file.shown}${text === null ? ': is connected already' : ''}`);
  for (const line of lines) say(`  ${line}`);
  for (const line of kept) say(`  kept: ${line}`);
  if (twice.length === 0) return;
  const how = `rea connect ${client.name}${options.isProject ? ' --project' : ''} --take-over`;
  say(`  runs twice, here and behind rea: ${firstNames(twice).join(', ')}; to take it out: ${how}`);
}

/** @returns why not all are written, as one line, or null. */
function writeAll(
  plans: readonly Planned[],
  { cwd, host }: ConnectOptions,
  say: (line: string) => void,
): string | null {
  const changed = plans.filter(({ text }) => text !== null);
  if (changed.length === 0) return null;
  const state = prepareStateDirectory(sharedState({ cwd, env: host.env }), OTHER_STATE);
  if (!state.ok) return state.error;
  for (const { client, file, text } of changed) {
    const written = writeClient({ client: client.name, stateDir: state.dir }, file, text ?? '');
    if (typeof written === 'string') return written;
    say(`written: ${file.shown}`);
  }
  return null;
}

function nextSteps(
  plans: readonly Planned[],
  { cwd, host, port }: ConnectOptions,
  say: (line: string) => void,
): void {
  if (port !== null) {
    const token = ownTokenPath(stateDirectory(sharedState({ cwd, env: host.env })));
    say(`next: rea serve --http ${port} --cwd ${shellWord(cwd)}`);
    say(`and where the client starts: export REA_TOKEN="$(cat ${shellWord(token)})"`);
    return;
  }
  const names = plans.map(({ client }) => client.title).join(', ');
  say(
    `next: restart ${names}; to take it back: rea undo ${plans.map(({ client }) => client.name).join(' ')}`,
  );
}
