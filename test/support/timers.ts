/** How many timers this process has. */
import { until } from './wait-for.ts';

export function timers(): number {
  return process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
}

/** Their number once it has stayed the same for a while: the test runner has some of its own now and then. */
export async function settledTimers(): Promise<number> {
  let last = -1;
  let looks = 0;
  const look = () => {
    const now = timers();
    looks = now === last ? looks + 1 : 0;
    last = now;
    return looks >= 20 && { now };
  };
  return (await until(look, { what: 'timers to stay' })).now;
}
