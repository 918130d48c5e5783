/** `rea status --watch` where nobody draws: one line for each change, until nobody reads. */
import { setTimeout as sleep } from 'node:timers/promises';
import { asciiJson } from '../../shared/text/clean-text.ts';
import type { Paint } from '../status/colours.ts';
import { lives } from '../status/gateways.ts';
import { isOf } from '../status/one-server.ts';
import { judgeStatus } from '../status/verdict.ts';
import { changesOf, changeText, type Stands, standsOf } from './changes.ts';
import { LOOK_MS, Looking } from './looking.ts';

export interface TellOptions {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Only what is about this server, and about its gateways. */
  readonly server?: string;
  /** A JSON value for each change. */
  readonly json: boolean;
  readonly paint: Paint;
  readonly stdout: NodeJS.WritableStream;
}

/** First how everything is now. Resolves when the reader is gone. */
export async function tellChanges(options: TellOptions): Promise<void> {
  const { cwd, env, server, stdout } = options;
  const looking = new Looking(cwd, env);
  const isAsked = server === undefined ? () => true : isOf(server);
  let isRead = true;
  stdout.once('error', () => {
    isRead = false;
  });
  let before: Stands = new Map();
  while (isRead) {
    const { facts } = looking.look(Date.now());
    const verdict = judgeStatus(facts.evidence);
    const now = standsOf(facts, verdict, isAsked);
    const at = new Date(facts.now).toISOString();
    const areMany = verdict.gateways.filter(lives).length > 1;
    for (const { change, tone } of changesOf(before, now)) {
      const text = options.json
        ? asciiJson({ at, ...change })
        : `${at} ${options.paint(tone, changeText(change, areMany))}`;
      stdout.write(`${text}\n`);
    }
    before = now;
    await sleep(LOOK_MS);
  }
}
