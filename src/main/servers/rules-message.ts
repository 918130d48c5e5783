import type { ServerConfig } from '../../shared/model/config.ts';
import type { RulesMessage } from '../../shared/protocol/to-supervisor.ts';

/** Settings that its thread takes without a new process of the server. @param clientCapabilities JSON text. */
export function rulesMessage(
  slot: number,
  { asks, rules, maxResultBytes }: ServerConfig,
  clientCapabilities: string,
): RulesMessage {
  const { blockedPaths, redact, injection } = rules;
  const told = { asks, blockedPaths, redact, injection, maxResultBytes, clientCapabilities };
  return { type: 'rules', slot, ...told };
}
