/** What a watcher looks at, and what a key does. Pure: what acts on gateways is handed over as an act. */
import { clip } from '../../shared/text/clean-text.ts';
import { ORDERS, type Order } from '../status/orders.ts';
import type { Key, PlainKey } from './keys.ts';

/** A server that can be chosen, in the order in which they are shown. */
export interface Target {
  /** Its gateway and its name: it stays chosen when the order changes. */
  readonly id: string;
  /** As the configuration names it; instances for single clients count as their server. */
  readonly server: string;
  /** As the state file names it. */
  readonly lane: string;
  /** Null: it is not known. */
  readonly pid: number | null;
  readonly sessionId: string | null;
  /** It is enabled in the configuration, although it may still be ending. */
  readonly isOn: boolean;
}

export type Page = 'list' | 'server' | 'connect' | 'keys';

/** A line that is being typed, or a question. */
export type Asking =
  | { readonly kind: 'filter'; readonly text: string; readonly before: string }
  | { readonly kind: 'freeze'; readonly text: string }
  | { readonly kind: 'unfreeze' };

export interface WatchState {
  readonly page: Page;
  readonly asking: Asking | null;
  /** Null: nothing was chosen yet, the first one counts. One that is gone stays chosen: nothing takes its place unseen. */
  readonly chosen: string | null;
  /** Where it stood when it was last seen. */
  readonly at: number;
  readonly filter: string;
  readonly order: Order;
  /** The first line shown of what is longer than the screen. */
  readonly top: number;
  /** The chosen server has to be seen: the page follows it. */
  readonly follow: boolean;
}

export type Act =
  | { readonly kind: 'quit' }
  | { readonly kind: 'suspend' }
  | { readonly kind: 'redraw' }
  /** Why a key does nothing. */
  | { readonly kind: 'say'; readonly line: string }
  | { readonly kind: 'unfreeze' }
  | { readonly kind: 'restart' | 'enable' | 'disable'; readonly target: Target }
  | { readonly kind: 'freeze'; readonly reason: string };

/** What the keys are about. */
export interface Shown {
  readonly targets: readonly Target[];
  /** The kill switch is set. */
  readonly halted: boolean;
  /** How many lines one page is. */
  readonly height: number;
  /** The screen has room for all of a question about the kill switch. */
  readonly canAsk: boolean;
}

const NOTHING_CHOSEN = 'no server is chosen: the one that was is gone; ↑↓ chooses another one';
const NO_ROOM = 'the terminal is too small to ask: make it larger, or use rea freeze, rea unfreeze';

const LONGEST_TEXT = 200;

export const START: WatchState = {
  page: 'list',
  asking: null,
  chosen: null,
  at: 0,
  filter: '',
  order: 'urgency',
  top: 0,
  follow: true,
};

export function idOf(gateway: string | number | null, lane: string): string {
  return `${gateway ?? ''}/${lane}`;
}

/** The same with what is chosen among the servers that there are now. */
export function settled(state: WatchState, targets: readonly Target[]): WatchState {
  const same = targets.findIndex(({ id }) => id === state.chosen);
  const found = same >= 0 ? same : sameName(state.chosen, targets);
  if (found >= 0) return { ...state, at: found, chosen: targets[found]?.id ?? null };
  // It may come again, as when its gateway is started anew. While a filter is typed no key acts.
  if (state.chosen !== null && state.asking?.kind !== 'filter') return state;
  const at = Math.max(0, Math.min(state.at, targets.length - 1));
  return { ...state, at, chosen: targets[at]?.id ?? state.chosen };
}

/** The next gateway has it under the same name, or it was asked for by that. -1: none, or it is not clear whose. */
function sameName(chosen: string | null, targets: readonly Target[]): number {
  if (chosen === null) return -1;
  const slash = chosen.indexOf('/');
  const gateways = new Set(targets.map(({ id }) => id.slice(0, id.indexOf('/'))));
  if (slash > 0 && gateways.size > 1) return -1;
  const name = chosen.slice(slash + 1);
  return targets.findIndex(({ lane, server }) => lane === name || server === name);
}

export function chosenOf(state: WatchState, targets: readonly Target[]): Target | null {
  return targets.find(({ id }) => id === state.chosen) ?? null;
}

/** @param before settled. */
export function press(before: WatchState, key: Key, shown: Shown): [WatchState, Act | null] {
  if (key.name === 'quit' || key.name === 'suspend' || key.name === 'redraw') {
    return [before, { kind: key.name }];
  }
  const { asking } = before;
  if (asking === null) return move(before, key, shown);
  // Made smaller meanwhile: nobody answers what is not to be seen.
  if (asking.kind !== 'filter' && !shown.canAsk) {
    return [
      { ...before, asking: null },
      { kind: 'say', line: NO_ROOM },
    ];
  }
  return answer(before, asking, key);
}

function move(state: WatchState, key: PlainKey, shown: Shown): [WatchState, Act | null] {
  const { height, targets } = shown;
  const to = (top: number): [WatchState, null] => [
    { ...state, top: Math.max(0, top), follow: false },
    null,
  ];
  switch (key.name) {
    case 'up':
      return state.page === 'list' ? step(state, targets, -1) : to(state.top - 1);
    case 'down':
      return state.page === 'list' ? step(state, targets, 1) : to(state.top + 1);
    case 'pageup':
      return to(state.top - height);
    case 'pagedown':
      return to(state.top + height);
    case 'home':
      return state.page === 'list' ? first(state, targets) : to(0);
    case 'end':
      return state.page === 'list'
        ? choose(state, targets, targets.length - 1)
        : to(Number.MAX_SAFE_INTEGER);
    case 'return':
      if (state.page !== 'list') return [back(state), null];
      return [
        chosenOf(state, targets) === null ? state : { ...state, page: 'server', top: 0 },
        null,
      ];
    case 'escape':
    case 'backspace':
      return [state.page === 'list' ? { ...state, filter: '' } : back(state), null];
    case 'text':
      if (key.text === 'f' && !shown.canAsk) return [state, { kind: 'say', line: NO_ROOM }];
      return [letter(state, key.text, shown.halted), actOf(state, key.text, targets)];
    default:
      return key satisfies never;
  }
}

/** What a letter does to gateways, or to the watch as a whole. */
function actOf(state: WatchState, text: string, targets: readonly Target[]): Act | null {
  if (text === 'q') return { kind: 'quit' };
  const isAbout = state.page === 'list' || state.page === 'server';
  if (!isAbout || (text !== 'r' && text !== 'e')) return null;
  const target = chosenOf(state, targets);
  if (target === null) return { kind: 'say', line: NOTHING_CHOSEN };
  if (text === 'r') return { kind: 'restart', target };
  return { kind: target.isOn ? 'disable' : 'enable', target };
}

function letter(state: WatchState, text: string, halted: boolean): WatchState {
  const turned = (page: Page): WatchState => {
    return { ...state, page: state.page === page ? 'list' : page, top: 0 };
  };
  switch (text) {
    case '?':
      return turned('keys');
    case 'c':
      return turned('connect');
    case 'f':
      return { ...state, asking: halted ? { kind: 'unfreeze' } : { kind: 'freeze', text: '' } };
    case '/': {
      const { page, filter } = state;
      return page === 'list'
        ? { ...state, asking: { kind: 'filter', text: filter, before: filter } }
        : state;
    }
    case 's': {
      if (state.page !== 'list') return state;
      const next = ORDERS[(ORDERS.indexOf(state.order) + 1) % ORDERS.length] ?? 'urgency';
      return { ...state, order: next, follow: true };
    }
    default:
      return state;
  }
}

/** Keys while something is asked or typed. */
function answer(state: WatchState, asking: Asking, key: PlainKey): [WatchState, Act | null] {
  const done: WatchState = { ...state, asking: null };
  if (key.name === 'escape') {
    return [asking.kind === 'filter' ? { ...done, filter: asking.before } : done, null];
  }
  if (asking.kind === 'unfreeze') {
    // Anything but a clear yes is a no.
    return [done, key.name === 'text' && /^y$/i.test(key.text) ? { kind: 'unfreeze' } : null];
  }
  if (key.name === 'return') {
    if (asking.kind === 'filter') return [done, null];
    const reason = asking.text.trim();
    return reason === '' ? [state, null] : [done, { kind: 'freeze', reason }];
  }
  const text = typed(asking.text, key);
  const next: WatchState = { ...state, asking: { ...asking, text } };
  return [asking.kind === 'filter' ? { ...next, filter: text, follow: true } : next, null];
}

function typed(text: string, key: PlainKey): string {
  if (key.name === 'text') return clip(text + key.text, LONGEST_TEXT);
  return key.name === 'backspace' ? Array.from(text).slice(0, -1).join('') : text;
}

/** To the next one; where the chosen one is gone, to what stands in its place. */
function step(state: WatchState, targets: readonly Target[], by: 1 | -1): [WatchState, null] {
  return choose(state, targets, chosenOf(state, targets) === null ? state.at : state.at + by);
}

function choose(state: WatchState, targets: readonly Target[], wanted: number): [WatchState, null] {
  const at = Math.max(0, Math.min(wanted, targets.length - 1));
  return [{ ...state, at, chosen: targets[at]?.id ?? state.chosen, follow: true }, null];
}

/** With what stands above it. */
function first(state: WatchState, targets: readonly Target[]): [WatchState, null] {
  return [{ ...choose(state, targets, 0)[0], top: 0, follow: false }, null];
}

function back(state: WatchState): WatchState {
  return { ...state, page: 'list', top: 0, follow: true };
}
