/** Binds a listener, with a failure as a value. */
import type { Server } from 'node:http';

/** Resolves with null once the port is bound to this process alone, or with the system's error. */
export function listen(
  server: Server,
  host: string,
  port: number,
): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    const onError = (error: NodeJS.ErrnoException) => resolve(error);
    server.once('error', onError);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', onError);
      resolve(null);
    });
  });
}
