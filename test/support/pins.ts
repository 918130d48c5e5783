/** Programs that are pinned, and those that are not started because they are not. */
import { expect } from 'vitest';
import { runRea } from './rea-command.ts';
import type { Rea } from './rea-process.ts';

/** Accepts as a person does, by the command. @param args names, or `--all`. */
export async function accept(dir: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runRea(['pins', 'accept', ...args, '--cwd', dir]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** Waits until just these servers are shown as not started. */
export function waitForBlocked(rea: Rea, names: readonly string[]): Promise<true> {
  const wanted = [...names].sort().join();
  return rea.waitForState(
    ({ downstreams }) => {
      const blocked = downstreams.filter(({ phase }) => phase === 'blocked');
      return (
        blocked
          .map(({ name }) => name)
          .sort()
          .join() === wanted
      );
    },
    { what: `blocked: ${wanted}`, limitMs: 60_000 },
  );
}

/** Names of servers of which the log says that a process was started. */
export function spawned(rea: Rea): string[] {
  const records = rea.stderr
    .split('\n')
    .filter((line) => line.includes('"msg":"spawned"'))
    .map((line) => JSON.parse(line).server as string);
  return [...new Set(records)].sort();
}
