/** Clients of this machine: which of them start rea, and which start by themselves what rea serves. Reads their files. */
import { realpathSync } from 'node:fs';
import { unlessRefused } from '../../../shared/platform/errno.ts';
import { clientFiles } from '../../config/clients/known/files.ts';
import { firstNames } from '../../config/first-of.ts';
import { openConfig } from '../../config/load.ts';
import { launchedServers } from '../../config/same-server.ts';
import { servedBy } from '../../connect/plan.ts';
import { openTarget } from '../../connect/targets.ts';
import { type Finding, finding } from '../finding.ts';
import type { Place } from '../place.ts';

/** What the file of a client says. */
interface ClientLook {
  readonly name: string;
  readonly title: string;
  /** In messages; with a problem, that says it. */
  readonly shown: string;
  /** Why it cannot be read, with the file, in one line; null: it can. */
  readonly problem: string | null;
  /** It has an entry that starts or reaches rea. */
  readonly isConnected: boolean;
  /** Servers that it starts and rea serves as well, as they are called there. */
  readonly twice: readonly string[];
}

export function checkClients({ cwd, env, config }: Place): Finding[] {
  const host = { env, platform: process.platform };
  const opened = openConfig({ cwd, file: config.file, trustConfig: true });
  // What rea cannot start runs in the client alone.
  const up = new Set(config.servers.flatMap((one) => (one.unavailable === null ? [one.name] : [])));
  const all = opened.ok ? launchedServers(opened.draft, cwd) : [];
  const registry = all.filter(({ name }) => up.has(name));
  const served = unlessRefused(config.file, () => realpathSync(config.file));
  const seen = new Set<string>();
  const looks = clientFiles(cwd, host).flatMap(({ client, isProject }): ClientLook[] => {
    const { name, title } = client;
    const key = `${name} ${isProject}`;
    if (seen.has(key)) return [];
    seen.add(key);
    const common = { name, title, isConnected: false, twice: [] };
    const target = openTarget(client, { cwd, host, isProject });
    if (typeof target === 'string') return [{ ...common, shown: '', problem: target }];
    const { file, contents } = target;
    // Its own file may be what rea serves.
    const same = file.real === served ? [] : servedBy(contents, registry, cwd);
    return [
      {
        ...common,
        shown: file.shown,
        problem: null,
        isConnected: contents.own.length > 0,
        twice: same.map((one) => contents.names.get(one) ?? one.name),
      },
    ];
  });
  return judgeClients(looks);
}

function judgeClients(looks: readonly ClientLook[]): Finding[] {
  const findings = looks.flatMap(({ name, title, shown, problem, isConnected, twice }) => {
    if (problem !== null) return [finding('client_file', null, title, problem)];
    if (twice.length === 0) return [];
    const names = `${firstNames(twice).join(', ')} in ${shown}`;
    return [finding(isConnected ? 'served_twice' : 'served_besides', null, title, names, name)];
  });
  const [first] = looks;
  if (first === undefined) return findings;
  const connected = looks.filter((one) => one.isConnected).map(({ title }) => title);
  const all = [...new Set(looks.map(({ title }) => title))];
  const about =
    connected.length === 0
      ? finding('not_connected', null, all.join(', '), first.name)
      : finding('connected', null, [...new Set(connected)].join(', '));
  return [...findings, about];
}
