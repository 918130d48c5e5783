/** `rea restart NAME`: starts a server anew in every gateway of the directory that has it; no call is lost. */
import { type ActingOptions, actOnAll, askResult, serverLine } from './acting.ts';

export interface RestartOptions extends ActingOptions {
  readonly server: string;
  /** Calls in flight are not waited for: their outcome is unknown. */
  readonly now: boolean;
}

/** Resolves with the exit code: 0 it is ready, 1 it is not, 2 there is no such server, 3 no gateway, 4 no answer. */
export function runRestart(options: RestartOptions): Promise<number> {
  const { server, now } = options;
  const since = performance.now();
  const path = `servers/${encodeURIComponent(server)}/restart${now ? '?now=1' : ''}`;
  return actOnAll(options, (gateway, tell) => {
    const hint = now ? '' : ' (rea restart --now does not wait)';
    const onStep = (going: string) =>
      tell(`${server}: ${going}${going.includes('in flight') ? hint : ''}`);
    return askResult(gateway, { method: 'POST', path, onStep: onlyNew(onStep) }, (result) => {
      return serverLine(server, result, since);
    });
  });
}

/** The same step comes again and again, as a sign of life. */
export function onlyNew(tell: (going: string) => void): (going: string) => void {
  let told = '';
  return (going) => {
    if (going !== told) tell(going);
    told = going;
  };
}
