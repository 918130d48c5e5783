/** What the gateway says of itself at `initialize`, and the levels of `logging/setLevel`. */
import {
  LATEST_PROTOCOL_VERSION,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '../../shared/model/revisions.ts';

export const LOG_LEVELS = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

export function isLogLevel(level: string): level is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(level);
}

/** JSON text of the result: the client's revision where the gateway speaks it, else the newest it does. */
export function initializeResult(asked: string, gatewayVersion: string): string {
  const protocolVersion = SUPPORTED_PROTOCOL_VERSIONS.includes(asked)
    ? asked
    : LATEST_PROTOCOL_VERSION;
  return JSON.stringify({
    protocolVersion,
    // A superset, since it cannot change later while servers come and go.
    capabilities: {
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      completions: {},
      logging: {},
    },
    serverInfo: { name: 'rea', title: 'rea gateway', version: gatewayVersion },
  });
}
