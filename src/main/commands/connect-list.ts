/** `rea connect --list`: which clients are here, and whether they are connected. Changes nothing. */
import { dirname, join } from 'node:path';
import { isThere } from '../../shared/platform/safe-file.ts';
import { oneLine } from '../../shared/text/clean-text.ts';
import { CLIENTS } from '../config/clients/known/all.ts';
import type { KnownClient } from '../config/clients/known/client.ts';
import { type Host, homeOf, userFile } from '../config/clients/known/files.ts';
import type { OwnEntry } from '../connect/own-entries.ts';
import { openTarget } from '../connect/targets.ts';
import { plural } from '../status/words.ts';

export interface ConnectListOptions {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  readonly host: Host;
  readonly stdout: NodeJS.WritableStream;
}

/** @returns the exit code: 0. */
export function runConnectList({ cwd, host, stdout }: ConnectListOptions): number {
  const width = Math.max(...CLIENTS.map(({ name }) => name.length));
  const absent: string[] = [];
  for (const client of CLIENTS) {
    const lines = [false, true].flatMap((isProject) => {
      return isHere(client, cwd, host, isProject) ? [stateOf(client, cwd, host, isProject)] : [];
    });
    if (lines.length === 0) absent.push(client.name);
    for (const line of lines) stdout.write(`${oneLine(`${client.name.padEnd(width)}  ${line}`)}\n`);
  }
  if (absent.length > 0) stdout.write(`${oneLine(`not here: ${absent.join(', ')}`)}\n`);
  return 0;
}

/** The directory of the user's file is enough, unless it is the home directory: the client is there then. */
function isHere(client: KnownClient, cwd: string, host: Host, isProject: boolean): boolean {
  const file = isProject ? client.projectFile : userFile(client, host);
  if (file === null) return false;
  const path = isProject ? join(cwd, file) : dirname(file);
  return isThere(path === homeOf(host) ? file : path);
}

function stateOf(client: KnownClient, cwd: string, host: Host, isProject: boolean): string {
  const target = openTarget(client, { cwd, host, isProject });
  if (typeof target === 'string') return target;
  const { file, contents } = target;
  const { own, others } = contents;
  const servers = `${plural(others.length, 'server')} of its own`;
  const how = own.length === 0 ? 'not connected' : `connected ${own.map(wayOf).join(' and ')}`;
  return `${how}, ${servers}: ${file.shown}`;
}

function wayOf({ server: { endpoint, options }, directory }: OwnEntry): string {
  const off = options.enabled === false ? ' (switched off)' : '';
  if (endpoint !== null) return `over HTTP${off}`;
  return `${directory === null ? 'over stdio' : `to ${directory}`}${off}`;
}
