/**
 * The text that `rea serve` prints for a person at a terminal: its servers, and the command that connects
 * a client. For a terminal only, since the command holds the token.
 */
import { relative } from 'node:path';
import type { EndpointRecord } from '../../shared/model/snapshot.ts';
import { oneLine } from '../../shared/text/clean-text.ts';
import { connectLine } from '../clients/http/connect-line.ts';
import { firstNames } from '../config/first-of.ts';

export interface BannerFacts {
  readonly version: string;
  /** Absolute directory that the gateway works for, and its `.rea`. */
  readonly cwd: string;
  readonly dir: string;
  readonly servers: readonly string[];
  readonly endpoint: EndpointRecord;
  /** The token that clients send, if there is exactly one. */
  readonly token: string | null;
  /** Absolute; null: none. */
  readonly logFile: string | null;
}

/** Lines, newline at the end. */
export function banner(facts: BannerFacts): string {
  const { version, cwd, dir, servers, endpoint, token, logFile } = facts;
  const { http, stdio, auth } = endpoint;
  const at = (path: string) => relative(process.cwd(), path) || path;
  const lines = [
    `rea ${version} serves ${servers.length} servers: ${firstNames(servers).join(', ')}`,
    ...(http === null ? [] : [`  HTTP   ${http}`]),
    ...(stdio ? ['  stdio  MCP frames on stdin and stdout; logs are on stderr'] : []),
    `  state  ${at(dir)}/serve.state.json    (rea status --cwd ${cwd})`,
    ...(logFile === null ? [] : [`  log    ${at(logFile)}`]),
    ...(auth === 'none' ? ['  no token: every program of this machine may connect'] : []),
    http === null
      ? `  connect a client with the command: rea serve --cwd ${cwd}`
      : `  connect a client: ${connectLine(http, endpoint, token)}`,
  ];
  return `${lines.map(oneLine).join('\n')}\n`;
}
