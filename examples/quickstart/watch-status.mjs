/**
 * Shows the gateway's status until told to stop. On a terminal: the output of `rea status`, refreshed
 * in place. Elsewhere: one line whenever a server's phase, circuit or number of restarts changes.
 */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

const EVERY_MS = 1000;

/** @param command arguments of Node that run `rea status`. */
export async function watchStatus(command, signal) {
  const show = process.stdout.isTTY ? refreshInPlace(command) : tellChanges(command);
  while (!signal.aborted) {
    await show();
    await delay(EVERY_MS, undefined, { signal }).catch((error) => {
      if (error.name !== 'AbortError') throw error;
    });
  }
}

function refreshInPlace(command) {
  let drawn = 0;
  return async () => {
    const { columns, rows } = process.stdout;
    const colours = process.stdout.hasColors() ? { FORCE_COLOR: '1' } : {};
    const text = await output([...command], { COLUMNS: String(columns), ...colours });
    const lines = text
      .trimEnd()
      .split('\n')
      .slice(0, rows - 1);
    const back = drawn > 0 ? `\x1b[${drawn}A\x1b[J` : '';
    process.stdout.write(`${back}${lines.join('\n')}\n`);
    drawn = lines.length;
  };
}

function tellChanges(command) {
  const last = new Map();
  return async () => {
    const text = await output([...command, '--json'], {});
    const downstreams = text === '' ? null : JSON.parse(text).serve.downstreams;
    for (const server of downstreams ?? []) {
      const now = `${server.phase}, circuit ${server.circuit_state}, restarts ${server.restarts}`;
      if (last.get(server.name) === now) continue;
      last.set(server.name, now);
      console.log(`${new Date().toISOString()} ${server.name}: ${now}`);
    }
  };
}

/** What the command prints; it tells the state by its exit code, so any code is fine. */
function output(args, env) {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env: { ...process.env, ...env } }, (_error, stdout) => {
      resolve(stdout);
    });
  });
}
