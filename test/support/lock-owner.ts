/** A state writer that owns the lock of its directory. */
import { newDirectory, WriterHost } from './state-writer.ts';

export const LOCK = 'serve.state.json.lock';

/** One that writes only when there is something to write. */
export async function owner(dir = newDirectory()): Promise<WriterHost> {
  const host = new WriterHost(dir, { data: { heartbeatMs: 3_600_000 } });
  await host.owns();
  await host.state(({ owner_pid }) => owner_pid === host.pid, 'the first write');
  return host;
}
