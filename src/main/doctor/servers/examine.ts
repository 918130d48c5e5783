/** Starts servers, a few at a time, each once; resolves when nothing of any of them is left. */
import type { ServerConfig } from '../../../shared/model/config.ts';
import { Examination } from './examination.ts';
import type { Examined } from './examined.ts';
import type { Ground } from './ground.ts';

export interface ExamineOptions {
  readonly servers: readonly ServerConfig[];
  readonly ground: Ground;
  /** Ends all that runs, and starts nothing more. */
  readonly signal: AbortSignal;
  /** @param running names of the servers that are looked at now. */
  readonly onProgress: (done: number, running: readonly string[]) => void;
}

/** In the order of the configuration; without those that were not looked at since it was interrupted. */
export async function examine(options: ExamineOptions): Promise<readonly Examined[]> {
  const { servers, ground, signal, onProgress } = options;
  const waiting = [...servers];
  const running = new Map<string, Examination>();
  const done = new Map<string, Examined>();
  const tell = () => onProgress(done.size, [...running.keys()]);
  const work = async (lane: number) => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (signal.aborted) return;
      const examination = new Examination(next, lane, ground);
      running.set(next.name, examination);
      tell();
      const examined = await examination.run();
      running.delete(next.name);
      if (!signal.aborted) done.set(next.name, examined);
      tell();
    }
  };
  const hurry = () => {
    for (const examination of running.values()) examination.hurry();
  };
  signal.addEventListener('abort', hurry, { once: true });
  await Promise.all(Array.from({ length: ground.jobs }, (_, lane) => work(lane)));
  signal.removeEventListener('abort', hurry);
  return servers.flatMap(({ name }) => done.get(name) ?? []);
}
