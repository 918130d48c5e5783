/**
 * A large answer is written by itself, so that smaller messages pass it; a notification keeps its place. Which
 * of them it is, is said by whoever sends it, and not by its bytes.
 */
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { ClientPort } from '#src/main/clients/port.ts';
import type { FrameStream } from '#src/main/clients/stdio/frame-stream.ts';
import { serveStdio } from '#src/main/clients/stdio/stdio.ts';
import { ByteCredit } from '#src/shared/memory/byte-credit.ts';

const PAD = 'x'.repeat(100_000);

function stdio(): {
  readonly port: ClientPort;
  readonly written: string[];
  readonly stdin: PassThrough;
} {
  const written: string[] = [];
  const begin = (parts: readonly Uint8Array[]) => Buffer.concat(parts).toString().slice(0, 10);
  const stdout: FrameStream = {
    stream: new PassThrough(),
    write: (parts) => written.push(`in turn ${begin(parts)}`),
    writeLarge: (parts) => written.push(`by itself ${begin(parts)}`),
    waiting: () => 0,
    flushed: (callback) => callback(),
  };
  const stdin = new PassThrough();
  const ports: ClientPort[] = [];
  serveStdio({
    stdin,
    stdout,
    open: (port) => {
      ports.push(port);
      return {
        busy: false,
        answered: true,
        mayAskMore: false,
        whenAnswered: (callback) => callback(),
        receive: () => {},
        serve: () => false,
        cancel: () => {},
        tool: () => null,
        refused: () => {},
        drained: () => {},
        closed: () => {},
      };
    },
    maxMessageBytes: 1000,
    credit: ByteCredit.create(1, { softBytes: 1, hardBytes: 1 }),
    onEnd: () => {},
  });
  const [port] = ports;
  if (port === undefined) throw new Error('no client was opened');
  return { port, written, stdin };
}

test('an answer that looks like a notification is one, and the other way round', () => {
  const { port, written, stdin } = stdio();
  const bytes = (text: string) => [Buffer.from(text)];
  port.answer(bytes(`{"method":"none","x":"${PAD}","result":{}}`), '1');
  port.send(bytes(`{"result":{},"x":"${PAD}","method":"notifications/own"}`), '1');
  port.send(bytes(`{"result":{},"x":"${PAD}","method":"notifications/own"}`), null);
  port.answer(bytes('{"result":{}}'), '1');
  expect(written).toEqual([
    'by itself {"method":',
    'in turn {"result":',
    'in turn {"result":',
    'in turn {"result":',
  ]);
  stdin.destroy();
});
