/** What is different from one look at a directory to the next: who, from what to what, and why. Pure. */
import { causeOf } from '../causes/causes.ts';
import type { Facts } from '../status/collect.ts';
import type { Tone } from '../status/colours.ts';
import { isPast } from '../status/gateway-lines.ts';
import type { Gateway, GatewaySituation } from '../status/gateways.ts';
import { OFF, standingOf } from '../status/standing.ts';
import type { DownstreamView } from '../status/state-file.ts';
import type { Verdict } from '../status/verdict.ts';
import { countWaiting } from '../status/waiting.ts';
import { plural, shown } from '../status/words.ts';

/** A change; the keys of `rea status --watch --json`. */
export interface Change {
  /** Of the gateway; null: it concerns the directory, or nobody knows. */
  readonly pid: number | null;
  /** `gateway`, `configuration` or `HALT`; null: `server` has changed. */
  readonly what: 'gateway' | 'configuration' | 'HALT' | null;
  /** As the state file names it. */
  readonly server: string | null;
  /** Its word at the last look; null: it was not there. */
  readonly from: string | null;
  /** Its word now; null: it is gone. */
  readonly to: string | null;
  readonly restarts: number | null;
  readonly cause: string | null;
  readonly action: string | null;
}

/** A change with its colour, which is no part of the JSON. */
export interface ToldChange {
  readonly change: Change;
  readonly tone: Tone;
}

/** How something stands, at one look. */
type Stand = Omit<Change, 'from' | 'to'> & {
  readonly word: string;
  readonly tone: Tone;
  /** How its last process ended, also when all is well again. */
  readonly exit: string | null;
};

/** By what it is about. */
export type Stands = ReadonlyMap<string, Stand>;

const LONGEST_NAME = 64;
const LONGEST_CAUSE = 400;
/** Stands for the gateway where there is none. */
const NONE = 'none';
const GATEWAY_TONES: Readonly<Record<GatewaySituation, Tone>> = {
  running: 'good',
  starting: 'warn',
  stale: 'bad',
  silent: 'bad',
  dead: 'bad',
};

/** @param isAsked which servers count, by their names in the state file. */
export function standsOf(
  facts: Facts,
  verdict: Verdict,
  isAsked: (lane: string | null) => boolean,
): Stands {
  const stands = new Map<string, Stand>();
  const { halt } = facts;
  if (verdict.situation === 'none') {
    stands.set(NONE, { ...NOTHING, what: 'gateway', word: 'not running', tone: 'bad' });
  }
  if (halt.active) {
    const { reason: cause } = halt;
    stands.set('HALT', { ...NOTHING, what: 'HALT', word: 'set', tone: 'bad', cause });
  }
  for (const gateway of verdict.gateways) {
    const id = `${gateway.sessionId ?? gateway.pid}`;
    stands.set(id, gatewayStand(gateway));
    const { view, pid } = gateway;
    if (view === null) continue;
    const configuration = configurationStand(gateway);
    if (configuration !== null) stands.set(`${id} configuration`, configuration);
    for (const server of view.downstreams ?? []) {
      if (isAsked(server.name)) stands.set(`${id}/${server.name}`, serverStand(gateway, server));
    }
    for (const server of view.disabled.filter(isAsked)) {
      const { word, tone } = OFF;
      stands.set(`${id}/${server}`, { ...NOTHING, pid, server, word, tone });
    }
  }
  return stands;
}

/** In the order in which they are shown; those that are gone last. */
export function changesOf(before: Stands, now: Stands): ToldChange[] {
  const changes: ToldChange[] = [];
  for (const [id, stand] of now) {
    const old = before.get(id) ?? null;
    if (old === null || isOther(old, stand)) changes.push(changeOf(old, stand));
  }
  for (const [id, { word, exit: _last, tone: _was, ...old }] of before) {
    // The gateway that has started says it itself.
    if (now.has(id) || id === NONE) continue;
    const change = { ...old, cause: null, action: null, from: word, to: null };
    changes.push({ change, tone: 'dim' });
  }
  return changes;
}

/** `files: ready → backoff, 2 restarts: killed by SIGKILL`, without anything that a terminal would obey. */
export function changeText(change: Change, isOneOfMany: boolean): string {
  const { pid, what, server, from, to, restarts, cause, action } = change;
  const gateway = pid === null ? 'gateway' : `gateway ${pid}`;
  const named = what === 'gateway' ? gateway : (what ?? shown(server, LONGEST_NAME));
  const who = isOneOfMany && pid !== null && what !== 'gateway' ? `pid ${pid}: ${named}` : named;
  const way = from === null || from === to ? (to ?? 'gone') : `${from} → ${to ?? 'gone'}`;
  const times = restarts === null || restarts === 0 ? '' : `, ${plural(restarts, 'restart')}`;
  const why = cause === null ? '' : `: ${shown(cause, LONGEST_CAUSE)}`;
  const next = action === null ? '' : ` → ${shown(action, LONGEST_CAUSE)}`;
  return `${who}: ${way}${times}${why}${next}`;
}

const NOTHING = {
  pid: null,
  what: null,
  server: null,
  restarts: null,
  cause: null,
  action: null,
  exit: null,
} as const;

function gatewayStand({ pid, situation, view }: Gateway): Stand {
  const hangs = situation === 'running' && view?.main.state === 'stalled';
  const stand = { ...NOTHING, pid, what: 'gateway' } as const;
  if (hangs) return { ...stand, word: 'stalled', tone: 'bad' };
  return { ...stand, word: situation, tone: GATEWAY_TONES[situation] };
}

/** Null: it is in force as it stands there. */
function configurationStand({ pid, view, situation }: Gateway): Stand | null {
  if (view === null || situation === 'dead') return null;
  const { problems } = view.reload;
  const waiting = countWaiting(view.reload);
  if (problems === null && waiting === 0) return null;
  const stand = { ...NOTHING, pid, what: 'configuration' } as const;
  if (problems === null) {
    return {
      ...stand,
      word: `${plural(waiting, 'server')} not in force`,
      tone: 'warn',
      action: view.reload.accept,
    };
  }
  const said = problems.refused
    ? ({ word: 'refused', tone: 'bad' } as const)
    : ({ word: 'with mistakes', tone: 'warn' } as const);
  return { ...stand, ...said, cause: problems.lines[0] ?? null };
}

function serverStand(gateway: Gateway, server: DownstreamView): Stand {
  const past = isPast(gateway);
  const { word, tone } = standingOf(server, gateway.view?.legacy === true);
  const cause = causeOf(server);
  return {
    ...NOTHING,
    pid: gateway.pid,
    server: server.name,
    word: past ? `was ${word}` : word,
    // What was is not what is.
    tone: past ? 'dim' : tone,
    restarts: server.restarts,
    cause: cause?.why ?? null,
    action: past ? null : (cause?.action ?? null),
    exit: server.last_exit?.detail ?? null,
  };
}

/** A cause that stays in mind while a server is well again is no change. */
function isOther(old: Stand, now: Stand): boolean {
  if (old.word !== now.word || (now.restarts ?? 0) > (old.restarts ?? 0)) return true;
  return now.cause !== null && now.cause !== old.cause;
}

function changeOf(old: Stand | null, { word, exit, tone, ...now }: Stand): ToldChange {
  // A restart that went well has left no cause, and yet it had one.
  const isAnew = old !== null && (now.restarts ?? 0) > (old.restarts ?? 0);
  const cause = now.cause ?? (isAnew ? exit : null);
  return { change: { ...now, cause, from: old?.word ?? null, to: word }, tone };
}
