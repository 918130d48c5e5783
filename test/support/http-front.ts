/** A gateway in front of servers that speak HTTP. */
import { type HttpServer, startFixture } from './http-server.ts';
import { type Rea, startRea } from './rea-process.ts';
import { registry } from './servers.ts';

/** A gateway in front of one server `web`, ready. */
export async function front(server: HttpServer, options: Readonly<Record<string, unknown>> = {}) {
  const rea = await startRea({
    config: registry({ web: { url: server.url } }, options),
  });
  await rea.waitForPhase('web', 'ready');
  return rea;
}

/** The server of one case, ready, behind the gateway of all cases. */
export interface Fronted {
  readonly rea: Rea;
  readonly server: HttpServer;
  readonly name: string;
}

/**
 * One gateway in front of a fixture for each case: what a case costs is mostly the start of a gateway. The first case
 * that asks starts it.
 *
 * @param cases the options of each fixture.
 * @returns waits for the server of the case at this place.
 */
export function frontOfCases(
  cases: readonly (readonly string[])[],
  options: Readonly<Record<string, unknown>> = {},
): (at: number) => Promise<Fronted> {
  let started: Promise<readonly Fronted[]> | null = null;
  const start = async () => {
    const servers = await Promise.all(cases.map((own) => startFixture(...own)));
    const named = servers.map((server, at) => ({ server, name: `web${at}` }));
    const entries = named.map(({ server, name }) => [name, { url: server.url }] as const);
    const rea = await startRea({ config: registry(Object.fromEntries(entries), options) });
    return named.map((one) => ({ rea, ...one }));
  };
  return async (at) => {
    started ??= start();
    const one = (await started)[at];
    if (one === undefined) throw new RangeError(`no case ${at}`);
    await one.rea.waitForPhase(one.name, 'ready');
    return one;
  };
}
