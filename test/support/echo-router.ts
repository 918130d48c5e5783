/**
 * A router small enough to read: answers every client by itself, so that an edge can be tested without
 * servers or threads. Records what it got and lets a test send on its own account.
 */

import type { ClientPort, OpenClient } from '#src/main/clients/port.ts';
import { type Frame, rangeOf, stringAt, textAt } from '#src/shared/json/frame.ts';
import { classify } from '#src/shared/json/json-rpc.ts';
import { SLOT } from '#src/shared/json/json-scan.ts';

/** Integers that JSON.parse would change. */
const BIG_INTEGERS = '[9007199254740993,18446744073709551615]';

export interface EchoClient {
  readonly port: ClientPort;
  /** The clients' messages as text, in order. */
  readonly received: string[];
  /** By which the port knows its requests without a session, in order. */
  readonly keys: string[];
  /** Requests without a session that it wants no answer to any more. */
  readonly cancelled: string[];
  closedBecause: string | null;
  /** Whether a task of it runs; for the test to set. */
  busy: boolean;
}

const bytes = (text: string) => Buffer.from(text);

/** Tools: `echo` answers with its own params, `big` with 1 MB, `progress` in steps, `never` not at all. */
export class EchoRouter {
  readonly clients: EchoClient[] = [];
  /** The definition of `echo`. */
  readonly tool = bytes(
    '{"name":"echo","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"in":{"properties":{"n":{"type":"integer","x-mcp-header":"N"}}},"b":{"type":"boolean","x-mcp-header":"B"}}}}',
  );
  /** Called after each message a client sent. */
  onMessage: (client: EchoClient, frame: Frame) => void = () => {};
  onClosed: (client: EchoClient) => void = () => {};

  /** How many clients have a session. */
  get sessions(): number {
    return this.clients.filter(({ closedBecause }) => closedBecause === null).length;
  }

  readonly open: OpenClient = (port) => {
    const client: EchoClient = {
      port,
      received: [],
      keys: [],
      cancelled: [],
      closedBecause: null,
      busy: false,
    };
    this.clients.push(client);
    return {
      get busy() {
        return client.busy;
      },
      answered: true,
      mayAskMore: false,
      whenAnswered: (callback) => callback(),
      receive: (frame) => {
        client.received.push(Buffer.from(frame.line).toString());
        this.#answer(client, frame);
        this.onMessage(client, frame);
      },
      serve: ({ method, frame, idRaw, idText }) => {
        if (method.startsWith('unknown')) return false;
        client.received.push(Buffer.from(frame.line).toString());
        client.keys.push(idText);
        const result = this.#result(client, method, idText, frame);
        if (result !== null) client.port.answer(answerOf(result, idRaw), idText);
        this.onMessage(client, frame);
        return true;
      },
      cancel: (idText, reason) => client.cancelled.push(`${idText} ${reason}`),
      tool: (name) => (name === 'echo' ? this.tool : null),
      refused: () => {},
      drained: () => {},
      closed: (reason) => {
        client.closedBecause = reason;
        this.onClosed(client);
      },
    };
  };

  #answer(client: EchoClient, frame: Frame): void {
    const message = classify(frame);
    if (message.kind === 'notification' && message.method === 'notifications/cancelled') {
      client.port.finished(textAt(frame, SLOT.paramsRequestId) ?? '');
    }
    if (message.kind !== 'request') return;
    const id = textAt(frame, SLOT.id) ?? 'null';
    const result = this.#result(client, message.method, id, frame);
    if (result === null) return;
    client.port.answer(answerOf(result, bytes(id)), id);
  }

  #result(client: EchoClient, method: string, id: string, frame: Frame): string | null {
    switch (method) {
      case 'initialize':
        return '{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"echo","version":"1"}}';
      case 'tools/list':
        return '{"tools":[{"name":"echo","inputSchema":{"type":"object"}}]}';
      case 'tools/call':
        return this.#call(client, id, frame);
      default:
        return '{}';
    }
  }

  #call(client: EchoClient, id: string, frame: Frame): string | null {
    const range = rangeOf(frame, SLOT.params) ?? [0, 0];
    const params = Buffer.from(frame.line.subarray(range[0], range[1])).toString();
    switch (stringAt(frame, SLOT.paramsName) ?? '') {
      case 'never':
        return null;
      case 'big':
        return bigResult();
      case 'progress': {
        const token = textAt(frame, SLOT.paramsMetaProgressToken) ?? '0';
        for (let step = 1; step <= 3; step++) {
          const line = `{"method":"notifications/progress","params":{"progressToken":${token},"progress":${step}},"jsonrpc":"2.0"}`;
          client.port.send([bytes(line)], id);
        }
        return textResult(params);
      }
      default:
        return textResult(params);
    }
  }
}

/** In three parts and with the id last, as a spliced answer may come. */
function answerOf(result: string, id: Uint8Array): Uint8Array[] {
  return [
    bytes('{"jsonrpc":"2.0","result":'),
    bytes(`${result},"id":`),
    Buffer.concat([id, bytes('}')]),
  ];
}

/** About 1 MB of JSON. */
export function bigResult(): string {
  const text = 'é𝄞 "quoted" \\ /'.repeat(60_000);
  return `{"content":[{"type":"text","text":${JSON.stringify(text)}}],"structuredContent":{"exact":${BIG_INTEGERS}}}`;
}

function textResult(text: string): string {
  return `{"content":[{"type":"text","text":${JSON.stringify(text)}}]}`;
}
