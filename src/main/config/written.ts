/**
 * The program or address of a server as written in the file: `defaults` filled in, references to
 * variables left as references, so that it can be shown without their values. Pure.
 */
import { resolve } from 'node:path';
import type { Draft, DraftEndpoint, DraftServer } from './draft.ts';

export interface WrittenProgram {
  readonly kind: 'program';
  readonly command: string;
  readonly args: readonly string[];
  /** Absolute, unless it begins with a variable. */
  readonly cwd: string;
  readonly env: readonly (readonly [name: string, value: string])[];
  /** Null: there is none. */
  readonly envFile: string | null;
  readonly passthrough: readonly string[];
}

export type Written = WrittenProgram | ({ readonly kind: 'address' } & DraftEndpoint);

/** @param base absolute; where relative paths of servers begin. */
export function writtenOf({ defaults }: Draft, server: DraftServer, base: string): Written {
  if (server.endpoint !== null) return { kind: 'address', ...server.endpoint };
  const { options } = server;
  const cwd = options.cwd ?? defaults.cwd ?? '.';
  return {
    kind: 'program',
    command: server.command,
    args: server.args,
    cwd: cwd.includes('${') ? cwd : resolve(base, cwd),
    env: Object.entries({ ...defaults.env, ...options.env }),
    envFile: options.env_file ?? defaults.env_file ?? null,
    passthrough: [
      ...new Set([...(defaults.env_passthrough ?? []), ...(options.env_passthrough ?? [])]),
    ],
  };
}
