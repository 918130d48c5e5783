/** Protocol revisions that the gateway speaks. */

/** The newest with an `initialize` handshake. */
export const LATEST_PROTOCOL_VERSION = '2025-11-25';

/** Those with an `initialize` handshake, newest first. */
export const SUPPORTED_PROTOCOL_VERSIONS: readonly string[] = [
  LATEST_PROTOCOL_VERSION,
  '2025-06-18',
  '2025-03-26',
  '2024-11-05',
  '2024-10-07',
];

/** The revision without a handshake: each request says itself what it speaks. */
export const STATELESS_PROTOCOL_VERSION = '2026-07-28';

/** Those without a handshake that are spoken with clients, newest first. */
export const SESSIONLESS_PROTOCOL_VERSIONS: readonly string[] = [STATELESS_PROTOCOL_VERSION];

const DATE = /^\d{4}-\d\d-\d\d$/;

/** True for the name of a revision, spoken here or not. */
export function isRevision(text: string): boolean {
  return DATE.test(text);
}

/** True for a revision without a handshake, spoken here or not. */
export function isLaterRevision(version: unknown): boolean {
  return typeof version === 'string' && isRevision(version) && version > LATEST_PROTOCOL_VERSION;
}
