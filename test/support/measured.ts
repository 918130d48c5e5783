/** A gateway with metrics, and scrapes of them. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { expect } from 'vitest';
import { Scrape } from './prometheus.ts';
import { type Rea, type ReaOptions, startRea } from './rea-process.ts';
import { until } from './wait-for.ts';

export const LIMIT_MS = 45_000;

export const OUTCOMES = [
  'ok',
  'error',
  'refused',
  'timeout',
  'unknown',
  'undeliverable',
  'cancelled',
];

/** The counts of a server's calls, by how they ended. */
export function outcomesOf(scrape: Scrape, server: string): Record<string, number> {
  return Object.fromEntries(
    OUTCOMES.map((outcome) => [outcome, scrape.value('rea_calls_total', { server, outcome })]),
  );
}

export interface Measured {
  readonly rea: Rea;
  readonly port: number;
  readonly scrape: () => Promise<Scrape>;
  /** Scrapes until `look` is satisfied. */
  readonly until: (what: string, look: (scrape: Scrape) => boolean) => Promise<Scrape>;
}

/** A gateway with metrics; every scrape is held against the one before it. */
export async function measured(options: ReaOptions): Promise<Measured> {
  const rea = await startRea({ ...options, env: { REA_METRICS_PORT: '0', ...options.env } });
  const port = await rea.waitForState((state) => state.metrics_port, { what: 'the metrics port' });
  let last: Scrape | null = null;
  const scrape = async () => {
    const { status, headers, text } = await get(port);
    expect([status, headers['content-type']]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    const now = new Scrape(text);
    if (last !== null) expect(now.faultsAfter(last)).toEqual([]);
    last = now;
    return now;
  };
  return {
    rea,
    port,
    scrape,
    until: (what, look) =>
      until(
        async () => {
          const now = await scrape();
          return look(now) ? now : null;
        },
        { limitMs: LIMIT_MS, what },
      ),
  };
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

export function get(
  port: number,
  options: { path?: string; method?: string; headers?: Record<string, string> } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { path = '/metrics', ...rest } = options;
    const request = httpRequest({ host: '127.0.0.1', port, path, agent: false, ...rest });
    request.on('error', reject).on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    request.end();
  });
}

export const code = (scrape: Scrape, server: string, code: string) =>
  scrape.value('rea_call_errors_total', { server, code });
