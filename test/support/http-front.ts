/** A gateway in front of one server that speaks HTTP. */
import { type HttpServer } from './http-server.ts';
import { startRea } from './rea-process.ts';
import { registry } from './servers.ts';

/** A gateway in front of one server `web`, ready. */
export async function front(server: HttpServer, options: Readonly<Record<string, unknown>> = {}) {
  const rea = await startRea({
    config: registry({ web: { url: server.url } }, options),
  });
  await rea.waitForPhase('web', 'ready');
  return rea;
}
