/** What `rea serve` may start: what is pinned, and what somebody at its terminal says yes to. */
import { createInterface } from 'node:readline/promises';
import type { AuditEvent } from '../../shared/model/audit.ts';
import type { GatewayConfig } from '../../shared/model/config.ts';
import { oneLine } from '../../shared/text/clean-text.ts';
import type { LoadResult } from '../config/load.ts';
import { type Policy, withRules } from '../config/policy.ts';
import { programTexts } from '../config/program-texts.ts';
import { type PinsStarted, startPins, type Told } from '../pins/at-start.ts';
import { withBlocked } from '../pins/blocked.ts';
import { acceptedEvent, acceptedOf, pinPrograms } from '../pins/pin-programs.ts';
import { acceptArguments, type ProgramPins } from '../pins/program-pins.ts';
import type { PreparedState } from '../processes/state-directory.ts';

interface Options {
  readonly cwd: string;
  readonly config?: string;
  readonly stateDir?: string;
  readonly reload: 'auto' | 'ask' | 'off';
}

interface Read {
  readonly loaded: Extract<LoadResult, { ok: true }>;
  /** As it is written. */
  readonly policy: Policy;
  readonly state: PreparedState;
}

export type ProgramsAtStart =
  | {
      readonly ok: true;
      /** As far as it holds. */
      readonly policy: Policy;
      /** With blocked servers as such. */
      readonly config: GatewayConfig;
      readonly blocked: ReadonlyMap<string, string>;
      readonly pins: { readonly programs: ProgramPins; readonly stateDir: string } | null;
      readonly pinFirst: () => Promise<readonly Told[]>;
      /** For the log, and for the audit log. */
      readonly told: readonly Told[];
      readonly decided: readonly AuditEvent[];
    }
  /** One line. */
  | { readonly ok: false; readonly message: string };

export async function programsAtStart(
  options: Options,
  { loaded, policy: written, state }: Read,
): Promise<ProgramsAtStart> {
  const inForce = (policy: Policy) => withRules(loaded.config, policy, loaded.places);
  if (!state.ok) {
    const none = {
      blocked: new Map<string, string>(),
      pins: null,
      told: [],
      decided: [],
      pinFirst: async () => [],
    };
    return { ok: true, policy: written, config: inForce(written), ...none };
  }
  const { cwd, config, stateDir: chosen, reload } = options;
  const start = () =>
    startPins({
      cwd,
      stateDir: state.dir,
      read: loaded,
      policy: written,
      env: process.env,
      acceptArguments: acceptArguments({ config, stateDir: chosen }),
      takesAll: reload === 'auto',
    });
  let started = await start();
  const asked = await askAtTerminal(loaded, started, state.dir);
  if (asked !== null) started = await start();
  if (!started.ok) return started;
  const { pins, policy, blocked, told, events, pinFirst } = started;
  return {
    ok: true,
    policy,
    config: withBlocked(inForce(policy), blocked),
    blocked,
    pins: { programs: pins, stateDir: state.dir },
    told,
    pinFirst,
    decided: asked === null ? events : [asked, ...events],
  };
}

/** @returns the record of what was accepted; null: nothing, or nobody can be asked. */
async function askAtTerminal(
  loaded: Read['loaded'],
  started: PinsStarted,
  stateDir: string,
): Promise<AuditEvent | null> {
  if (!started.ok || started.blocked.size === 0) return null;
  const { stdin, stderr } = process;
  if (!stdin.isTTY || !stderr.isTTY) return null;
  const { pins, blocked } = started;
  const texts = programTexts(loaded, [], process.env);
  const servers = loaded.config.servers.filter(({ name }) => blocked.has(name));
  const all = acceptedOf(servers, loaded.written, texts, (...one) => pins.pinOf(...one));
  const taken: typeof all = [];
  const prompt = createInterface({ input: stdin, output: stderr });
  // Whoever ends the input says no.
  const ended = new Promise<string>((resolve) => prompt.once('close', () => resolve('')));
  try {
    for (const one of all) {
      const why = (blocked.get(one.name) ?? '').replace(/; to accept it: .*$/, '');
      stderr.write(
        `server "${one.name}" is not started: ${oneLine(why)}\n  ${oneLine(one.shown)}\n`,
      );
      const answer = await Promise.race([prompt.question('Accept and start it? [y/N] '), ended]);
      if (/^\s*y(es)?\s*$/i.test(answer)) taken.push(one);
    }
  } finally {
    prompt.close();
  }
  if (taken.length === 0) return null;
  const written = await pinPrograms(stateDir, taken);
  if (!written.ok) {
    stderr.write(`${oneLine(written.error)}\n`);
    return null;
  }
  return acceptedEvent(taken, 'rea serve on a terminal');
}
