/** What all commands have in common that act on gateways of a directory: who is asked, and what is said of it. */
import { oneLine } from '../../shared/text/clean-text.ts';
import {
  type Answer,
  type AskOptions,
  ask,
  resultOf,
  Silent,
  Unreachable,
} from '../operator/ask.ts';
import { type Found, findGateways } from '../operator/reach.ts';
import { silenceOf } from '../operator/silence.ts';
import type { Result } from '../operator/steps.ts';
import { version } from '../version.ts';

export interface ActingOptions {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  /** Only this gateway; absent: all of the directory. */
  readonly pid?: number;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

export const EXIT = { ok: 0, failed: 1, usage: 2, none: 3, silent: 4 } as const;

/** What became of one gateway: the exit code, and a line. */
export interface Outcome {
  readonly code: number;
  readonly text: string;
  /** It does not know what it was asked about: of no matter where another one does. */
  readonly isStranger?: boolean;
}

/** The gateways to ask; a line is said when there are none. */
export async function gatewaysOf(options: ActingOptions): Promise<Found[]> {
  const { cwd, pid, stderr } = options;
  const found = await findGateways(cwd, pid ?? null);
  if (found.length > 0) return found;
  const which =
    pid === undefined ? 'no gateway is running' : `no gateway with pid ${pid} is running`;
  line(stderr, `${which} in ${cwd}; start one: rea serve`);
  return [];
}

type Act = (gateway: Found, tell: (going: string) => void) => Promise<Outcome>;

/** Asks every gateway of the directory, and prints what becomes of each. Resolves with the exit code: the worst. */
export async function actOnAll(options: ActingOptions, act: Act): Promise<number> {
  const gateways = await gatewaysOf(options);
  return gateways.length === 0 ? EXIT.none : actOn(options, gateways, act);
}

/** The same with these, all at once; there is at least one. */
export async function actOn(
  { cwd, stdout, stderr }: ActingOptions,
  gateways: readonly Found[],
  act: Act,
): Promise<number> {
  const named = (gateway: Found, text: string) =>
    gateways.length === 1 ? text : `pid ${gateway.identity.pid}: ${text}`;
  const outcomes = await Promise.all(
    gateways.map(async (gateway) => {
      const tell = (going: string) => line(stderr, named(gateway, going));
      const outcome = await act(gateway, tell).catch((error: unknown) => {
        return outcomeOf(cwd, gateway, error);
      });
      return { ...outcome, text: named(gateway, outcome.text) };
    }),
  );
  const known = outcomes.filter(({ isStranger }) => isStranger !== true);
  const told = known.length > 0 ? known : outcomes;
  for (const { code, text } of told) {
    for (const one of text.split('\n')) line(code === EXIT.ok ? stdout : stderr, one);
  }
  return Math.max(...told.map(({ code }) => code));
}

/** Asks for something that ends in a result. */
export async function askResult(
  gateway: Found,
  options: AskOptions,
  text: (result: Result) => string,
): Promise<Outcome> {
  const answer = await ask(gateway, options);
  const result = resultOf(answer);
  if (result === null) return refusalOf(gateway, answer);
  const action = result.action == null ? '' : `\n→ ${result.action}`;
  return {
    code: result.ok ? EXIT.ok : EXIT.failed,
    text: `${text(result)}${result.ok ? '' : action}`,
  };
}

/** Why a gateway does not do what it was asked. */
export function refusalOf(gateway: Found, { status, version: other, value }: Answer): Outcome {
  const { error } = value;
  const isUnknown = status === 404;
  if (isUnknown && (error === undefined || error === 'not known here')) {
    const who = `the gateway (pid ${gateway.identity.pid}) is rea ${other ?? 'of another version'}`;
    const text = `${who} and does not know this; this is ${version()}: restart it`;
    return { code: EXIT.failed, text };
  }
  const text = typeof error === 'string' ? error : `it answers with status ${status}`;
  return { code: isUnknown ? EXIT.usage : EXIT.failed, text, isStranger: isUnknown };
}

/** What an error of asking means. @throws any other error. */
export function outcomeOf(cwd: string, gateway: Found, error: unknown): Outcome {
  if (error instanceof Silent) {
    return { code: EXIT.silent, text: silenceOf(cwd, gateway, Date.now()) };
  }
  if (!(error instanceof Unreachable)) throw error;
  const text = `the gateway (pid ${gateway.identity.pid}) cannot be asked: ${error.message}`;
  return { code: EXIT.failed, text };
}

export function line(to: NodeJS.WritableStream, text: string): void {
  to.write(`${oneLine(text)}\n`);
}

/** `0.4 s` */
export function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

/** The gateway to ask where one is enough: the oldest that can be asked; else the oldest. Null: none. */
export function oneOf(gateways: readonly Found[]): Found | null {
  const oldest = gateways.toSorted((one, other) =>
    (one.startedAt ?? '') < (other.startedAt ?? '') ? -1 : 1,
  );
  return oldest.find(({ door }) => door.open) ?? oldest[0] ?? null;
}

/** `files: ready after 0.4 s`, or why it is not. */
export function serverLine(server: string, { ok, text }: Result, since: number): string {
  return `${server}: ${text}${ok ? ` after ${seconds(since)}` : ''}`;
}
