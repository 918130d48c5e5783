/** Inputs for the supervisor machine, and a way to play them. */
import { step } from '#src/shared/machines/supervisor.ts';
import {
  initialSupervisor,
  type SupervisorEffect,
  type SupervisorInput,
  type SupervisorState,
} from '#src/shared/machines/supervisor-state.ts';

export const FEATURES = {
  tools: true,
  prompts: false,
  resources: false,
  logging: false,
};

export const policy = {
  restart: { intensity: 3, periodMs: 30_000, backoffMs: 200, backoffMaxMs: 1000, stableMs: 5000 },
  startTimeoutMs: 30_000,
  unavailable: null,
};
export const open: SupervisorInput = { type: 'open', delayMs: 0 };
export const ticket: SupervisorInput = { type: 'ticket' };
export const spawned = (incarnation = 1): SupervisorInput => ({
  type: 'spawned',
  incarnation,
  pid: 42,
});
export const handshaken = (incarnation = 1): SupervisorInput => ({
  type: 'handshaken',
  incarnation,
  features: FEATURES,
});
export const exited = (incarnation = 1): SupervisorInput => ({
  type: 'exited',
  incarnation,
  code: 1,
  signal: null,
  detail: 'exited with code 1',
  random: 0.5,
});
export const condemned = (incarnation = 1): SupervisorInput => ({
  type: 'condemned',
  incarnation,
  reason: 'stall',
  detail: 'hangs',
});
export const timer = (name: 'start' | 'ticket' | 'stable' | 'restart' | 'stop', incarnation = 1) =>
  ({ type: 'timer', timer: name, incarnation, busy: false }) as const;
export const busyStart = { ...timer('start'), busy: true };
export const rest = (into: 'idle' | 'restart', incarnation = 1): SupervisorInput => ({
  type: 'rest',
  incarnation,
  into,
  eofMs: 600,
  termMs: 500,
});
export const wake: SupervisorInput = { type: 'wake' };
export const stop: SupervisorInput = { type: 'stop', eofMs: 600, termMs: 500 };
export const toReady = [open, ticket, spawned(), handshaken()];

/** Feeds all inputs; returns the last state and the effects of the last step. */
export function play(inputs: readonly SupervisorInput[], initial = initialSupervisor(0, 0)) {
  let state: SupervisorState = initial;
  let effects: readonly SupervisorEffect[] = [];
  for (const input of inputs) [state, effects] = step(policy, 1000, state, input);
  return { state, effects: effects.map(short) };
}

export function short(effect: SupervisorEffect): string {
  if (effect.do === 'emit') return effect.event.event;
  return effect.do === 'timer' ? `${effect.timer} timer ${effect.ms}` : effect.do;
}
