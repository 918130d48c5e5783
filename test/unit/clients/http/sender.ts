import type { EchoRouter } from '../../../support/echo-router.ts';

/** The gateway's side of a client. */
export function sender(router: EchoRouter, at = 0) {
  const { port } = router.clients[at] ?? {};
  return {
    note: (n: number, id: string | null) =>
      port?.send(
        [Buffer.from(`{"jsonrpc":"2.0","method":"notifications/test","params":{"n":${n}}}`)],
        id,
      ),
    answer: (id: string, result = '{}') =>
      port?.answer([Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":${result}}`)], id),
  };
}
