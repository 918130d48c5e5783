/**
 * Metrics for Prometheus, if `REA_METRICS_PORT` is set: counts events of calls and servers, reads the
 * gateway's state at each scrape, and serves both on a loopback port. Without the variable nothing is
 * counted, loaded or listened on. Decides nothing.
 */

import { NO_OBSERVER } from '../calls/observer.ts';
import type { Logger } from '../logger.ts';
import type { EventMetrics } from './events.ts';
import type { GatewayView } from './gateway.ts';
import type { HeldView, ServerView } from './servers.ts';

/** The state that a scrape shows. */
export interface MetricsSources extends GatewayView {
  /** Names of the configured servers. */
  readonly names: readonly string[];
  /** Every instance of a server that exists now. */
  readonly servers: readonly ServerView[];
  /** Definitions that wait for a person. */
  readonly held: readonly HeldView[];
}

export interface Metrics {
  /** The port listened on, null without metrics. */
  readonly port: number | null;
  readonly observer: EventMetrics;
  /** Adds the counters of these servers, as zero, if they are new. */
  expect(servers: readonly string[]): void;
  /** Sets the source of all further scrapes. */
  show(look: () => MetricsSources): void;
  /** Frees the port; a scrape under way is cut. */
  close(): Promise<void>;
}

export type OpenMetrics =
  | { readonly ok: true; readonly metrics: Metrics }
  /** One line that names the port and what to do. */
  | { readonly ok: false; readonly message: string };

export interface MetricsOptions {
  /** 0 = any free port, null = no metrics. */
  readonly port: number | null;
  /** Names of the configured servers. */
  readonly servers: readonly string[];
  readonly version: string;
  readonly log: Logger;
}

const NO_METRICS: Metrics = {
  port: null,
  observer: { ...NO_OBSERVER, loopLag: () => {}, starved: () => {}, audited: () => {} },
  expect: () => {},
  show: () => {},
  close: () => Promise.resolve(),
};

/** The port that `REA_METRICS_PORT` names, null when it is unset or empty, or one line saying what is wrong. */
export function metricsPort(text: string | undefined): number | null | string {
  if (text === undefined || text === '') return null;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return Number(text);
  return `REA_METRICS_PORT is "${text}": not a port; give a number from 0 to 65535 (0 = any free port), or unset it for no metrics`;
}

export async function openMetrics(options: MetricsOptions): Promise<OpenMetrics> {
  const { port, servers, version, log } = options;
  if (port === null) return { ok: true, metrics: NO_METRICS };
  const { Registry } = await import('prom-client');
  const { eventMetrics } = await import('./events.ts');
  const { serverMetrics } = await import('./servers.ts');
  const { gatewayMetrics } = await import('./gateway.ts');
  const { listenForScrapes } = await import('./listener.ts');
  const registry = new Registry();
  const observer = eventMetrics(registry);
  observer.expect(servers);
  const readServers = serverMetrics(registry);
  const readGateway = gatewayMetrics(registry, version);
  let look: (() => MetricsSources) | null = null;
  const listener = await listenForScrapes(
    port,
    {
      contentType: registry.contentType,
      render: () => {
        const seen = look?.();
        if (seen !== undefined) {
          readServers(seen.names, seen.servers, seen.held);
          readGateway(seen);
        }
        return registry.metrics();
      },
    },
    log,
  );
  if (!listener.ok) return listener;
  return {
    ok: true,
    metrics: {
      port: listener.port,
      observer,
      expect: (names) => observer.expect(names),
      show: (sources) => {
        look = sources;
      },
      close: () => listener.close(),
    },
  };
}
