/** What `rea login` and `rea logout` have in common: which server it is about, and that gateways begin with it anew. */

import { secretsOf } from '../../shared/secrets/secrets-of.ts';
import { Redactor } from '../../shared/text/redact.ts';
import { loadConfig } from '../config/load.ts';
import { problemLines } from '../config/problem.ts';
import type { LoginServer } from '../logins/record.ts';
import { findGateways } from '../operator/reach.ts';
import { actOn, askResult, EXIT, serverLine } from './acting.ts';
import { onlyNew } from './restart.ts';
import { unknownServer } from './unknown-server.ts';

export interface LoginPlace {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  readonly config?: string;
  /** `--state-dir`, absolute. */
  readonly chosen?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly server: string;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

type Found =
  | {
      readonly ok: true;
      readonly server: LoginServer;
      /** The secrets of its entry, such as one in its address, out of a line. */
      readonly hide: (text: string) => string;
    }
  | { readonly ok: false; readonly lines: readonly string[] };

/** The server of that name, if a person can log in to it. */
export function loginServer({ cwd, config: file, env, server: name }: LoginPlace): Found {
  const refuse = (...lines: readonly string[]): Found => ({ ok: false, lines });
  const loaded = loadConfig({ cwd, env, ...(file === undefined ? {} : { file }) });
  if (!loaded.ok) return refuse(...problemLines(loaded.problems));
  const { servers } = loaded.config;
  const found = servers.find((one) => one.name === name);
  if (found === undefined) {
    const names = servers.map((one) => one.name);
    return refuse(unknownServer([name], names) ?? '');
  }
  const { endpoint, unavailable } = found;
  if (unavailable !== null) {
    return refuse(
      `server "${name}" cannot be used: ${unavailable}; set it, or take it out of its entry, then: rea login ${name}`,
    );
  }
  if (endpoint === null) {
    return refuse(`server "${name}" is a program, which logs in by itself: rea login is for url`);
  }
  if (endpoint.oauth !== null) {
    const hidden = new Redactor({ values: secretsOf(found, env), builtIn: false });
    return { ok: true, server: { name, endpoint }, hide: (text) => hidden.redactValues(text) };
  }
  const hasOwn =
    endpoint.tokenFile !== null ||
    Object.keys(endpoint.headers).some((header) => header.toLowerCase() === 'authorization');
  return refuse(
    hasOwn
      ? `server "${name}" has credentials of its own: take headers.Authorization or token_file out of its entry first`
      : `server "${name}" is reached unencrypted, and a token is not sent so: write https into its url`,
  );
}

/** Gateways that run begin with what was written; others look at it at their next start. @returns the exit code. */
export async function beginAnew(place: LoginPlace, server: string): Promise<number> {
  const gateways = await findGateways(place.cwd, null);
  if (gateways.length === 0) return EXIT.ok;
  const since = performance.now();
  const path = `servers/${encodeURIComponent(server)}/restart`;
  return actOn(place, gateways, (gateway, tell) => {
    const onStep = onlyNew((going) => tell(`${server}: ${going}`));
    return askResult(gateway, { method: 'POST', path, onStep }, (result) => {
      return serverLine(server, result, since);
    });
  });
}
