/**
 * The envelope of revision 2026-07-28, by which each request says itself what a handshake said before: members of
 * `params._meta`. Pure.
 */
import { CLAIM_KEYS } from '../../../../shared/model/meta-keys.ts';
import { STATELESS_PROTOCOL_VERSION } from '../../../../shared/model/revisions.ts';

export interface Sender {
  readonly gatewayVersion: string;
  /** JSON text of what the client of this request can do. */
  readonly capabilities: string;
  /** From which level on log messages are wanted; null: none are. */
  readonly logLevel: string | null;
}

/** JSON text of the members of `_meta`, without braces. */
export function envelope({ gatewayVersion, capabilities, logLevel }: Sender): string {
  const clientInfo = JSON.stringify({ name: 'rea', version: gatewayVersion });
  const level = logLevel === null ? [] : [`"${CLAIM_KEYS.logLevel}":${JSON.stringify(logLevel)}`];
  return [
    `"${CLAIM_KEYS.protocolVersion}":"${STATELESS_PROTOCOL_VERSION}"`,
    `"${CLAIM_KEYS.clientCapabilities}":${capabilities}`,
    `"${CLAIM_KEYS.clientInfo}":${clientInfo}`,
    ...level,
  ].join(',');
}
