/**
 * The differential test: what the SDK's own client makes of a server with a quirk, connected directly and through
 * the gateway. Both go through the same little scenario.
 */
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { until } from './wait-for.ts';

/** What the two connections make of a quirk. */
export interface Quirk {
  readonly name: string;
  /** Whether the SDK's client gets through the scenario. */
  readonly direct: boolean;
  /** Null: the gateway serves it. Otherwise what `rea status` says about the server. */
  readonly reason: RegExp | null;
}

export interface Outcome {
  readonly tools: readonly string[];
  readonly text: string;
  readonly resource: string;
  /** The data of log messages that the call has caused. */
  readonly notes: readonly string[];
}

/** Collects the log messages that a client gets. */
export function listen(client: Client): unknown[] {
  const seen: unknown[] = [];
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    seen.push(params.data);
  });
  return seen;
}

/** @param prefix of the server's tools in front of the client. */
export async function scenario(
  client: Client,
  seen: readonly unknown[],
  quirk: string,
  prefix = '',
): Promise<Outcome> {
  const tools: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.listTools(cursor === undefined ? {} : { cursor });
    tools.push(...page.tools.map(({ name }) => name));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  const call = { name: `${prefix}echo`, arguments: { text: quirk } };
  const { content } = await client.callTool(call);
  const { contents } = await client.readResource({ uri: `quirk://${quirk}` });
  await until(() => seen.includes(quirk), { what: `the log message of ${quirk}` });
  return {
    tools: tools
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length))
      .toSorted(),
    text: (content as { text: string }[])[0]?.text ?? '',
    resource: String((contents[0] as { text?: unknown } | undefined)?.text),
    notes: seen.filter((data) => data === quirk).map(String),
  };
}
