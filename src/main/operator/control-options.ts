/** What the parts of the control socket are given. Types only. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ProcessIdentity } from '../../shared/model/snapshot.ts';
import type { Look } from '../../shared/platform/identity.ts';
import type { FleetRecord } from '../relay/fleet-record.ts';
import type { Operable } from './operable.ts';

export interface ControlOptions {
  readonly operable: Operable;
  readonly stateDir: string;
  /** Whoever sends it is the user: the state directory's. */
  readonly token: string;
  readonly identity: ProcessIdentity;
  readonly look: Look;
  readonly env: NodeJS.ProcessEnv;
  readonly log: ControlLog;
  /** What relays are told of it now; null: sessions do not share it. */
  readonly fleet: () => FleetRecord | null;
  /** Takes over the connection of a relay, which speaks as over stdio from now on. @param head its first bytes. */
  readonly relayed: (socket: Socket, head: Uint8Array) => void;
  /** Loads what serves MCP, with the first request for it. */
  readonly mcp: () => Promise<McpHandler>;
  /** The page for a person's browser. */
  readonly page: PageDoor;
}

/** Opens the page, which is there only while somebody looks. */
export interface PageDoor {
  open(): Promise<PageOpened>;
  close(): Promise<void>;
}

export type PageOpened =
  | {
      readonly ok: true;
      /** On 127.0.0.1. */
      readonly port: number;
      /** Absolute path of the file with its token. */
      readonly tokenFile: string;
    }
  /** One line. */
  | { readonly ok: false; readonly message: string };

/** The part of a logger that is needed here. */
export interface ControlLog {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Serves `/mcp`. */
export interface McpHandler {
  readonly handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Answers on connections that a listener hands over. */
export interface Answering {
  take(socket: Socket): void;
  close(): Promise<void>;
}
