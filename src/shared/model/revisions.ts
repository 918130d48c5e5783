/** Protocol revisions with an `initialize` handshake that the gateway speaks, newest first. */
export const LATEST_PROTOCOL_VERSION = '2025-11-25';

export const SUPPORTED_PROTOCOL_VERSIONS: readonly string[] = [
  LATEST_PROTOCOL_VERSION,
  '2025-06-18',
  '2025-03-26',
  '2024-11-05',
  '2024-10-07',
];

/** The revision without a handshake: each request says itself what it speaks. */
export const STATELESS_PROTOCOL_VERSION = '2026-07-28';
