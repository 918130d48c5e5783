/** The control socket of a gateway: what it is given, and how it comes to serve `/mcp`, too. */
import { realpathSync } from 'node:fs';
import type { ProcessIdentity } from '../../shared/model/snapshot.ts';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { systemLook } from '../../shared/platform/identity.ts';
import { ownToken } from '../clients/http/own-token.ts';
import { sessionsOf } from '../clients/session.ts';
import { MAX_CLIENT_MESSAGE_BYTES } from '../clients/stdio/refusal.ts';
import { ControlSocket } from '../operator/control-socket.ts';
import type { Found } from '../operator/reach.ts';
import { pinsKey } from '../pins/pins-file.ts';
import { type FleetRecord, fleetRecord } from '../relay/fleet-record.ts';
import { Operations, type OperationsOptions } from './operations.ts';
import type { GatewayOptions } from './options.ts';
import { pageDoor } from './page-door.ts';
import type { RelayedClients } from './relayed-clients.ts';

export interface GatewayControlOptions
  extends OperationsOptions,
    Pick<GatewayOptions, 'stateDir' | 'log' | 'shared' | 'clocks'> {
  readonly identity: ProcessIdentity;
  readonly relayed: RelayedClients;
}

/** A client that is gone without a word must not keep a gateway that only waits for its last client. */
const IDLE_MS = 60_000;

/** @returns null when it cannot be made: the gateway serves without it, and the log says why. */
export async function openControl(options: GatewayControlOptions): Promise<ControlSocket | null> {
  const { stateDir, log, secrets, identity, parts, own } = options;
  const without = 'no control socket, so that commands cannot reach this gateway';
  if (stateDir === null) {
    log.info(`${without}: there is no state directory`);
    return null;
  }
  const token = ownToken(stateDir);
  if (!token.ok) {
    log.warn(`${without}: ${token.message}`);
    return null;
  }
  secrets.add([token.token]);
  const operable = new Operations(options);
  let control: ControlSocket | null = null;
  const page = pageDoor(async () => {
    const { Ui } = await import('../ui/ui.ts');
    const { cwd, clocks } = options;
    const self = () => selfOf(operable, control?.path ?? null, { identity, token: token.token });
    return new Ui({
      operable,
      cwd,
      env: process.env,
      stateDir,
      onToken: (one) => secrets.add([one]),
      idleMs: clocks.pageIdleMs,
      log,
      self,
    });
  });
  control = await ControlSocket.open({
    operable,
    page,
    stateDir,
    token: token.token,
    identity,
    look: systemLook(),
    env: process.env,
    log,
    fleet: () => fleetOf(options, stateDir),
    relayed: (socket, head) => options.relayed.take(socket, head),
    mcp: async () => {
      const { McpEdge } = await import('../clients/http/mcp-handler.ts');
      const { config } = own();
      return new McpEdge({
        tokens: [token.token],
        open: sessionsOf(parts.router),
        credit: parts.credit,
        maxBodyBytes: MAX_CLIENT_MESSAGE_BYTES,
        slowClientMs: config.limits.slowClientMs,
        idleMs: IDLE_MS,
        log,
      });
    },
  });
  return control;
}

/** The gateway as its own control socket reaches it. */
function selfOf(
  { sessionId, configFile }: Operations,
  socket: string | null,
  { identity, token }: { readonly identity: ProcessIdentity; readonly token: string },
): Found | null {
  if (socket === null) return null;
  const door = { open: true, socket, token } as const;
  return { sessionId, identity, startedAt: null, config: configFile, door };
}

/** What relays compare themselves with; null where sessions do not share this gateway. */
function fleetOf(
  { shared, own, log }: GatewayControlOptions,
  stateDir: string,
): FleetRecord | null {
  if (!shared) return null;
  const key = pinsKey(stateDir);
  if (!key.ok) {
    log.warn(`no session can share this gateway: ${key.error}`);
    return null;
  }
  const { file, servers, variables: wanted } = own().config;
  // A server whose entry has changed and waits, or has a mistake, goes on with its old one.
  const running = servers.flatMap(({ expanded, envPassthrough }) => [
    ...expanded.map(({ name }) => name),
    ...envPassthrough,
  ]);
  const variables = [...new Set([...wanted, ...running])].sort();
  const config = unlessRefused(file, () => realpathSync(file));
  return fleetRecord({ config, variables, env: process.env, key: key.key });
}
