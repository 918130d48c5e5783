/** How a relay gets its connection to a gateway: one request on the control socket, then the bytes of stdio. */
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { errorText } from '../../shared/platform/errno.ts';
import { RELAY_PROTOCOL } from './fleet-record.ts';
import type { Reached } from './relay.ts';

/** The protocol's name in `Upgrade`. */
export const RELAY = 'rea-stdio';
/** Longer than any pause of a gateway that is well. */
const SILENT_MS = 5000;

/** @param socket absolute path. @param token of the state directory. */
export function upgrade(socket: string, token: string): Promise<Reached> {
  return new Promise((resolve) => {
    const asking = request({
      socketPath: socket,
      path: '/relay',
      headers: {
        host: 'localhost',
        authorization: `Bearer ${token}`,
        connection: 'upgrade',
        upgrade: RELAY,
        'rea-relay-protocol': String(RELAY_PROTOCOL),
      },
      timeout: SILENT_MS,
    });
    const refused = (why: string) => {
      asking.destroy();
      resolve({ ok: false, why });
    };
    asking.on('upgrade', (_response, stream: Socket, head: Buffer) => {
      stream.setTimeout(0);
      resolve({ ok: true, socket: stream, head });
    });
    asking.on('response', ({ statusCode }) => refused(`it refuses (${statusCode})`));
    asking.on('timeout', () => refused(`it has said nothing for ${SILENT_MS} ms`));
    asking.on('error', (error) => refused(errorText(error)));
    asking.end();
  });
}
