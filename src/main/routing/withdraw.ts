/** Tells a client that it need not answer a question any more. */
import { notificationLine } from '../../shared/json/json-rpc.ts';
import type { Client } from './client.ts';

/**
 * @param idText of the question, as the client knows it.
 * @param relatedTo the client's request that carries messages about the question on its stream, or null.
 */
export function withdrawQuestion(
  client: Client,
  idText: string,
  relatedTo: string | null,
  why: string,
): void {
  const params = `{"requestId":${idText},"reason":${JSON.stringify(why)}}`;
  const line = notificationLine('notifications/cancelled', params);
  client.withdraw(idText, [line.subarray(0, line.length - 1)], relatedTo);
}
