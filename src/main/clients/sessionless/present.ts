/** The request of a client that waits for an answer now: of those that it sent for one call, the last. */
import { type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import type { LogLevel } from '../../../shared/model/log-levels.ts';

export interface Present {
  /** By which the port knows it. */
  readonly idText: string;
  readonly idRaw: Uint8Array;
  readonly tokenRaw: Uint8Array | null;
  /** The least severe messages that it wants to hear; null: none. */
  readonly level: LogLevel | null;
}

/** Of a request. */
export function presentOf(
  frame: Frame,
  { idRaw, idText }: Pick<Present, 'idRaw' | 'idText'>,
  level: LogLevel | null,
): Present {
  const token = rangeOf(frame, SLOT.paramsMetaProgressToken);
  const tokenRaw = token === null ? null : frame.line.slice(token[0], token[1]);
  return { idText, idRaw, tokenRaw, level };
}
