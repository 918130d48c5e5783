/**
 * The pin of a server's program or address: an HMAC of all that decides what runs or who is spoken to, as it
 * is written, so that the values of variables of the gateway do not matter. Values of variables and headers
 * whose name says that they are secret may change, except for what they refer to. Pure.
 */
import { createHmac } from 'node:crypto';
import { basename, isAbsolute, resolve } from 'node:path';
import type { ServerConfig } from '../../shared/model/config.ts';
import type { Written, WrittenProgram } from '../config/written.ts';

export interface Pin {
  readonly pin: string;
  /** By their key in the file. */
  readonly parts: Readonly<Record<string, string>>;
}

/** Where a program without a directory in its name is found; null: nowhere that matters. */
export type InProject = (command: string, server: ServerConfig) => string | null;

const SECRET = /token|key|secret|password/i;
/** About a place, a program or a setting, whatever else the name says: `TOKEN_URL`, `PASSWORD_COMMAND`, `GIT_CONFIG_KEY_0`. */
const NOT_ONLY_SECRET =
  /file|path|dir|folder|home|root|url|uri|host|addr|endpoint|server|proxy|issuer|command|cmd|exec|program|helper|askpass|script|hook|backend|provider|module|plugin|class|library|preload|config|option|args|flags|profile|socket|sock|log|ring|store/i;
const REFERENCE = /\$\{[^}]*\}/g;

/** True when the value of a variable or header of this name may change without anybody being asked. */
export function mayChange(name: string): boolean {
  return SECRET.test(name) && !NOT_ONLY_SECRET.test(name);
}

/**
 * @param written the entry of the server, as the file has it.
 * @param inProject looks for a command of one word where others may put programs.
 */
export function pinOf(
  key: Buffer,
  server: ServerConfig,
  written: Written,
  inProject: InProject,
): Pin {
  const parts = server.pin === 'off' ? anyOf(server) : partsOf(server, written, inProject);
  const hashed = Object.entries(parts).map(([name, value]) => {
    return [name, hmac(key, [name, value])] as const;
  });
  return { pin: hmac(key, Object.entries(parts)), parts: Object.fromEntries(hashed) };
}

/** The name under which the program is pinned that the project's policy hands the anchors of the audit log. */
export const ANCHOR_COMMAND = 'audit.anchor_command';

/** The pin of a command that is no server's. */
export function pinOfCommand(key: Buffer, argv: readonly string[]): Pin {
  return { pin: hmac(key, [['command', argv]]), parts: { command: hmac(key, ['command', argv]) } };
}

/** The parts that differ, in the words of the file. */
export function differing(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.filter((name) => before[name] !== after[name]);
}

/** What was accepted is that the program of this name may be any. */
function anyOf({ name }: ServerConfig): Record<string, unknown> {
  return { pin: ['off', name] };
}

function partsOf(
  server: ServerConfig,
  written: Written,
  inProject: InProject,
): Record<string, unknown> {
  if (written.kind === 'address') {
    const headers = Object.entries(written.headers).map(([name, value]) => {
      return [name.toLowerCase(), pinnedValue(name, value)] as const;
    });
    return { url: written.url, headers: headers.sort(byName), token_file: written.tokenFile };
  }
  const env = written.env.map(([name, value]) => [name, pinnedValue(name, value)] as const);
  return {
    command: resolved(server, written, inProject),
    args: written.args,
    cwd: written.cwd,
    env: [...env].sort(byName),
    env_file: [written.envFile, ofEnvFile(server, written)],
    env_passthrough: [...new Set(written.passthrough)].sort(),
  };
}

function resolved(server: ServerConfig, { command }: WrittenProgram, inProject: InProject): string {
  if (command.includes('${') || isAbsolute(command)) return command;
  if (basename(command) !== command || command.startsWith('.')) return resolve(server.cwd, command);
  return inProject(command, server) ?? command;
}

/** What the file of variables adds: it may lie where others write. */
function ofEnvFile({ env }: ServerConfig, written: WrittenProgram) {
  if (written.envFile === null) return [];
  const own = new Set(written.env.map(([name]) => name));
  const added = Object.entries(env).filter(([name]) => !own.has(name));
  return added.map(([name, value]) => [name, pinnedValue(name, value)] as const).sort(byName);
}

/** Of a secret only what it refers to: another variable may be one that this server must not have. */
function pinnedValue(name: string, value: string): string | readonly string[] {
  return mayChange(name) ? (value.match(REFERENCE) ?? []) : value;
}

function hmac(key: Buffer, value: unknown): string {
  return createHmac('sha256', key).update(JSON.stringify(value)).digest('base64url');
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}
