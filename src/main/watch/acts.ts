/**
 * What a key does to gateways: the very commands that a person would type, with their words. Each ends by itself, in
 * 2 s at most when a gateway does not answer.
 */
import { Writable } from 'node:stream';
import { clip } from '../../shared/text/clean-text.ts';
import type { Message } from './footer.ts';
import type { Act } from './state.ts';

export interface Place {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  /** `--config`, absolute. */
  readonly config?: string;
  readonly env: NodeJS.ProcessEnv;
}

export type Acting = Exclude<Act, { kind: 'quit' | 'suspend' | 'redraw' | 'say' }>;

/** Of the last words of a command so many are shown. */
const LAST_LINES = 3;
const LONGEST_LINE = 1000;

/** What is said while nothing was heard yet, and who it is about. */
export function nameOf(act: Acting): string {
  return 'target' in act ? `${act.kind} ${act.target.server}` : act.kind;
}

/**
 * Runs the command.
 *
 * @param pid of the only gateway to ask; null: all of the directory.
 * @param tell gets each line as it comes.
 * @returns the result, and what to do next.
 */
export async function perform(
  act: Acting,
  place: Place,
  pid: number | null,
  tell: (line: string) => void,
): Promise<Message> {
  let code: number;
  const { cwd, env } = place;
  const lines: string[] = [];
  const take = (line: string) => {
    lines.push(line);
    if (lines.length > LAST_LINES) lines.shift();
    tell(line);
  };
  const [stdout, stderr] = [sink(take), sink(take)];
  const streams = { stdout, stderr };
  const only = pid === null ? {} : { pid };
  switch (act.kind) {
    case 'restart': {
      const { runRestart } = await import('../commands/restart.ts');
      code = await runRestart({ cwd, ...only, ...streams, server: act.target.server, now: false });
      break;
    }
    case 'enable':
    case 'disable': {
      const { runChange } = await import('../commands/change.ts');
      const { config } = place;
      const edit = { kind: act.kind, server: act.target.server };
      // Every gateway that serves the file is to be asked: it is one file.
      code = await runChange({
        cwd,
        ...streams,
        ...(config === undefined ? {} : { config }),
        edit,
      });
      break;
    }
    case 'freeze': {
      const { runFreeze } = await import('../commands/freeze.ts');
      code = await runFreeze({ cwd, env, ...streams, reason: act.reason });
      break;
    }
    case 'unfreeze': {
      const { runUnfreeze } = await import('../commands/freeze.ts');
      code = await runUnfreeze({ cwd, env, ...streams, yes: true, stdin: null });
      break;
    }
    default:
      return act satisfies never;
  }
  return { lines, tone: code === 0 ? 'good' : 'bad' };
}

/** Whole lines, as the commands write them. */
function sink(take: (line: string) => void): Writable {
  return new Writable({
    decodeStrings: false,
    write: (chunk, _encoding, done) => {
      for (const line of String(chunk).split('\n')) {
        if (line !== '') take(clip(line, LONGEST_LINE));
      }
      done();
    },
  });
}
