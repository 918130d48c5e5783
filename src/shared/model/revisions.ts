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

/** Those without, in which each request says what it is: newest first. Spoken with clients. */
export const SESSIONLESS_PROTOCOL_VERSIONS: readonly string[] = ['2026-07-28'];

/** The revision without a handshake: each request says itself what it speaks. */
export const STATELESS_PROTOCOL_VERSION = '2026-07-28';
