/**
 * `rea serve --discover`, which the relay of a shared gateway runs while there is none: prints what `server/discover` is
 * answered with, from what servers told in earlier runs. Starts nothing and writes nothing.
 */
import { join } from 'node:path';
import { readCatalogFile } from '../catalog/catalog-file.ts';
import { Profiles } from '../catalog/profiles.ts';
import { gatewayInfo } from '../clients/handshake.ts';
import { completeResult } from '../clients/sessionless/answer-form.ts';
import { discoverResult } from '../clients/sessionless/discover.ts';
import { loadConfig } from '../config/load.ts';
import { checkedPolicy } from '../config/policy.ts';
import { formsIn } from '../pins/definition-forms.ts';
import { readPins } from '../pins/read-pins.ts';
import { standingIn } from '../pins/standing.ts';
import { stateDirectory } from '../processes/state-directory.ts';
import { version } from '../version.ts';

export interface DiscoverOptions {
  /** Absolute. */
  readonly cwd: string;
  readonly config?: string;
  readonly trustConfig: boolean;
  readonly stateDir?: string;
}

/** @returns the exit code; with another than 0 a gateway is started, which says what is wrong. */
export function runDiscover({ cwd, config: file, trustConfig, stateDir }: DiscoverOptions): number {
  const { env } = process;
  const loaded = loadConfig({ cwd, trustConfig, ...(file === undefined ? {} : { file }), env });
  const policy = checkedPolicy({ cwd, trustConfig, env });
  if (!loaded.ok || !policy.ok) return 1;
  const place = { cwd, env, ...(stateDir === undefined ? {} : { chosen: stateDir }) };
  const read = readPins(stateDirectory(place));
  const isOff = policy.policy.pins.definitions === 'off';
  const { servers } = loaded.config;
  const free = new Set(servers.flatMap(({ name, pin }) => (pin === 'off' ? [name] : [])));
  const offers = readCatalogFile(join(cwd, '.rea'), (server, kind, name, text) => {
    if (isOff || free.has(server)) return 'pinned';
    if (read.kind !== 'pins') return 'unknown';
    return standingIn(formsIn(read.pins, server), kind, name, text);
  });
  const profiles = new Profiles(servers);
  for (const { server, fingerprint, profile } of offers) {
    if (profile !== null) profiles.restore(server, fingerprint, profile);
  }
  const result = discoverResult(gatewayInfo(version()), profiles.all(), profiles.notices);
  process.stdout.write(completeResult(result));
  return 0;
}
