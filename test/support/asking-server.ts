/** A gateway whose server asks its client, and both sides of what passes. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory, type Rea, type ReaOptions, startRea } from './rea-process.ts';
import { fixture, type Registry, registry, type ServerSpec } from './servers.ts';
import { until } from './wait-for.ts';
import type { Message, StdoutFrame } from './wire.ts';

export const CAN = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };

export interface House {
  readonly rea: Rea;
  /** What the client was asked or told, in order, as it came. */
  readonly asked: StdoutFrame[];
  /** What the server `evil` has received. */
  received(text: string): Promise<any>;
  hasReceived(text: string): boolean;
  /** The same servers with other options of `evil`. */
  configOf(options: Record<string, unknown>): Registry;
}

interface Surroundings extends Pick<ReaOptions, 'env' | 'args'> {
  /** Beside the ones that are always there. */
  readonly servers?: Readonly<Record<string, ServerSpec>>;
}

/** A client that can do everything and answers only where a test does. */
export async function serve(
  options: Record<string, unknown> = {},
  { servers = {}, ...how }: Surroundings = {},
): Promise<House> {
  const dir = makeDirectory();
  const journal = join(dir, 'journal');
  const rea = await startRea({
    cwd: dir,
    initialize: false,
    config: config(journal, options, servers),
    ...how,
  });
  const clientInfo = { name: 'test', version: '1' };
  const hello = { protocolVersion: '2025-11-25', capabilities: CAN, clientInfo };
  await rea.request('initialize', hello);
  rea.wire.notify('notifications/initialized');
  await rea.waitForPhase('evil', 'ready');
  await rea.request('tools/list');
  const asked: StdoutFrame[] = [];
  rea.wire.onForeign = (message) => {
    if (message.method?.endsWith('list_changed')) return;
    const frame = rea.wire.frames.findLast((one) => one.message === message);
    if (frame !== undefined) asked.push(frame);
  };
  const find = (text: string) =>
    existsSync(journal)
      ? readFileSync(journal, 'utf8')
          .split('\n')
          .find((line) => line.includes(text))
      : undefined;
  return {
    rea,
    asked,
    configOf: (other) => config(journal, other, servers),
    hasReceived: (text) => find(text) !== undefined,
    received: async (text) =>
      JSON.parse(await until(() => find(text), { what: `${text} at the server` })),
  };
}

export function config(
  journal: string,
  options: Record<string, unknown>,
  servers: Surroundings['servers'] = {},
) {
  const evil: ServerSpec = { ...fixture('asks-anything', '--journal', journal), ...options };
  return registry({ evil, other: fixture('echo'), ...servers });
}

/** The raw request that comes first of those not looked at yet. */
export async function nextAsked({ asked }: House): Promise<StdoutFrame> {
  return await until(() => asked.shift(), { what: 'a request at the client' });
}

export function reply({ rea }: House, { id }: Message, result: object): void {
  rea.wire.send({ jsonrpc: '2.0', id, result });
}

export function request(id: string | number, method: string, params: string | null): string {
  const more = params === null ? '' : `,"params":${params}`;
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":"${method}"${more}}`;
}

export const FORM = '"requestedSchema":{"type":"object","properties":{}}';
