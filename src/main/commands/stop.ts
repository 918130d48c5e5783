/** `rea stop`: ends the gateways of a directory, as a signal does; `--force` those that do not answer, too. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expecting } from '../../shared/platform/errno.ts';
import { ownIdentity, systemLook, systemReader } from '../../shared/platform/identity.ts';
import { ask } from '../operator/ask.ts';
import type { Found } from '../operator/reach.ts';
import { reapDeadGateways } from '../processes/reaper.ts';
import { systemJudges } from '../status/liveness.ts';
import { type ActingOptions, actOnAll, EXIT, type Outcome, refusalOf, seconds } from './acting.ts';

export interface StopOptions extends ActingOptions {
  /** Signals it, with SIGKILL in the end, instead of asking it. */
  readonly force: boolean;
}

/** A drain delay and the grace for calls in flight are at most ten minutes each. */
const STOP_MS = 1_230_000;
/** Between SIGTERM and SIGKILL. */
const TERM_MS = 1000;
const LOOK_MS = 20;

/** Resolves with the exit code: 0 they are gone, 1 one is not, 3 no gateway, 4 one does not answer. */
export function runStop(options: StopOptions): Promise<number> {
  const since = performance.now();
  const { cwd, force } = options;
  return actOnAll(options, async (gateway) => {
    const { pid } = gateway.identity;
    const gone = (how: string): Outcome => {
      return { code: EXIT.ok, text: `the gateway (pid ${pid}) ${how} after ${seconds(since)}` };
    };
    if (force) return (await endByForce(cwd, gateway)) ? gone('was ended') : stays(pid);
    const answer = await ask(gateway, { method: 'POST', path: 'stop' });
    // One that is stopping already is waited for, too.
    if (answer.status !== 202 && answer.status !== 503) return refusalOf(gateway, answer);
    return (await isGone(gateway, STOP_MS)) ? gone('has stopped') : stays(pid);
  });
}

function stays(pid: number): Outcome {
  return { code: EXIT.failed, text: `the gateway (pid ${pid}) does not end; see rea status` };
}

/** Never by its number alone: the identity is looked at before each signal. */
async function endByForce(cwd: string, gateway: Found): Promise<boolean> {
  signal(gateway, 'SIGTERM');
  if (await isGone(gateway, TERM_MS)) return true;
  signal(gateway, 'SIGKILL');
  if (!(await isGone(gateway, TERM_MS))) return false;
  // Its guard ends what it has started; where that is gone as well, this does.
  await reapDeadGateways(join(cwd, '.rea'), ownIdentity(), systemLook());
  return true;
}

function signal({ identity }: Found, name: NodeJS.Signals): void {
  if (systemJudges(systemReader()).holder(identity) !== 'alive') return;
  expecting(['ESRCH'], true, () => process.kill(identity.pid, name));
}

async function isGone({ identity }: Found, limitMs: number): Promise<boolean> {
  const judges = systemJudges(systemReader());
  const until = performance.now() + limitMs;
  while (judges.holder(identity) !== 'dead') {
    if (performance.now() > until) return false;
    await sleep(LOOK_MS);
  }
  return true;
}
