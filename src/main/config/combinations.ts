/**
 * Finds settings that are each in range, but together make one of them useless: a limit that can never
 * be reached, a cap below the value it caps. Such a setting would silently do nothing: it is refused.
 */
import type { ThreadsConfig } from '../../shared/model/config.ts';
import type { Path } from './problem.ts';
import type { Settings } from './settings.ts';

export interface Conflict {
  /** Keys inside the server's options, most telling one first. */
  readonly keys: readonly Path[];
  readonly message: string;
  readonly fix: string;
}

const MIB = 1024 * 1024;

export function conflicts(settings: Settings, threads: ThreadsConfig): Conflict[] {
  const found: Conflict[] = [];
  const { restart, liveness, callTimeoutMs, callTotalTimeoutMs, maxMessageBytes } = settings;
  if (restart.backoffMs > restart.backoffMaxMs) {
    found.push({
      keys: [
        ['restart', 'backoff_ms'],
        ['restart', 'backoff_max_ms'],
      ],
      message: `the first delay ${restart.backoffMs} is longer than backoff_max_ms ${restart.backoffMaxMs}`,
      fix: 'make backoff_ms the smaller one',
    });
  } else if (meanTimeToLimitMs(settings) >= restart.periodMs) {
    const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`;
    found.push({
      keys: [
        ['restart', 'intensity'],
        ['restart', 'period_ms'],
        ['restart', 'backoff_ms'],
        ['restart', 'backoff_max_ms'],
      ],
      message: `the delays between ${restart.intensity} deaths add up to ${seconds(meanTimeToLimitMs(settings))} on average, so that a crash loop is never seen within period_ms ${restart.periodMs}`,
      fix: 'lower intensity or the back-off, or raise period_ms',
    });
  }
  if (callTimeoutMs > callTotalTimeoutMs) {
    found.push({
      keys: [['call_timeout_ms'], ['call_total_timeout_ms']],
      message: `${callTimeoutMs} is longer than call_total_timeout_ms ${callTotalTimeoutMs}, which ends the call first`,
      fix: 'make call_timeout_ms the smaller one',
    });
  }
  if (liveness.timeoutMs > liveness.idleMs) {
    found.push({
      keys: [
        ['liveness', 'timeout_ms'],
        ['liveness', 'idle_ms'],
      ],
      message: `${liveness.timeoutMs} is longer than idle_ms ${liveness.idleMs}: a ping would be due before the last one is given up`,
      fix: 'make timeout_ms at most idle_ms',
    });
  }
  if (maxMessageBytes * 2 > threads.heapMb * MIB) {
    const needed = Math.ceil((maxMessageBytes * 2) / MIB);
    found.push({
      keys: [['max_message_bytes'], ['threads', 'heap_mb']],
      message: `a message of ${maxMessageBytes} bytes does not fit a thread with heap_mb ${threads.heapMb}`,
      fix: `lower max_message_bytes, or set defaults.threads.heap_mb to ${needed} or more`,
    });
  }
  return found;
}

/**
 * Mean time from the first to the `intensity`-th death of a server that dies at once: the first restart
 * comes without delay, each further one after half of a bound that doubles.
 */
function meanTimeToLimitMs({ restart }: Settings): number {
  let sum = 0;
  for (let delayed = 0; delayed < restart.intensity - 2; delayed++) {
    sum += Math.min(restart.backoffMaxMs, restart.backoffMs * 2 ** delayed) / 2;
  }
  return sum;
}
