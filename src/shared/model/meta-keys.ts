/** Keys in `_meta` by which messages of revision 2026-07-28 say what a handshake said before. */
const PREFIX = 'io.modelcontextprotocol/';

/** By them a request makes its claim. */
export const CLAIM_KEYS = {
  protocolVersion: `${PREFIX}protocolVersion`,
  clientCapabilities: `${PREFIX}clientCapabilities`,
  clientInfo: `${PREFIX}clientInfo`,
  logLevel: `${PREFIX}logLevel`,
} as const;

/** In results: the program that answers. */
export const SERVER_INFO = `${PREFIX}serverInfo`;

/** In notifications: the id of the request that they belong to. */
export const SUBSCRIPTION_ID = `${PREFIX}subscriptionId`;
