/** A gateway without servers, as the operator's room sees it. */
import type { Operable } from '#src/main/operator/operable.ts';

export const OPERABLE: Operable = {
  sessionId: 'one',
  version: '0',
  stopping: false,
  halted: false,
  configFile: '/registry.yaml',
  logFile: null,
  status: () => ({}),
  servers: () => [],
  calls: () => [],
  tools: () => ({ json: new Uint8Array(), places: [] }),
  watchCalls: () => () => undefined,
  givenRules: null,
  asksOpen: 0,
  rules: () => null,
  settings: () => [],
  restart: () => null,
  reload: () => Promise.resolve({ kind: 'done', waiting: [], problems: [], taken: null }),
  setEnabled: () => Promise.resolve(null),
  freeze: () => true,
  unfreeze: () => null,
  stop: () => undefined,
};
