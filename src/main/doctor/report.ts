/** What `rea doctor` has seen, as one value: for `--json`, and for the page. */
import type { Gateway } from '../status/gateways.ts';
import { lives } from '../status/gateways.ts';
import { type Finding, isTrouble, sorted } from './finding.ts';
import type { Examined } from './servers/examined.ts';
import type { Offer } from './servers/offers.ts';

export interface ServerReport {
  readonly name: string;
  /** `not_started`: nobody has accepted its program, or nothing can be started here. */
  readonly state: 'ok' | 'failed' | 'not_started';
  readonly kind: 'program' | 'address';
  /** From its start to the end of the handshake. */
  readonly ready_ms: number | null;
  readonly revision: string | null;
  /** Of the tools that are listed. */
  readonly tools: number | null;
  readonly tokens: number | null;
  readonly rss_mb: number | null;
  readonly noise_lines: number;
  readonly exits_on_eof: boolean | null;
}

export interface DoctorReport {
  readonly schema: 1;
  readonly rea_version: string;
  readonly directory: string;
  readonly exit_code: 0 | 1;
  readonly node: string;
  readonly platform: string;
  /** Gateways that live here. */
  readonly gateways: readonly { readonly pid: number | null; readonly situation: string }[];
  readonly servers: readonly ServerReport[];
  /** Worst first. */
  readonly findings: readonly Finding[];
}

export function reportOf(seen: {
  readonly version: string;
  readonly cwd: string;
  readonly gateways: readonly Gateway[];
  readonly servers: readonly ServerReport[];
  readonly findings: readonly Finding[];
}): DoctorReport {
  return {
    schema: 1,
    rea_version: seen.version,
    directory: seen.cwd,
    exit_code: seen.findings.some((one) => isTrouble(one)) ? 1 : 0,
    node: process.versions.node,
    platform: process.platform,
    gateways: seen.gateways
      .filter((one) => lives(one))
      .map(({ pid, situation }) => ({ pid, situation })),
    servers: seen.servers,
    findings: sorted(seen.findings),
  };
}

export function serverReport(examined: Examined, offer: Offer | null): ServerReport {
  const { server, record, serves, readyMs, rssMb, noiseLines, exitsOnEof } = examined;
  return {
    ...notStarted(server.name, server.endpoint !== null),
    state: serves ? 'ok' : 'failed',
    ready_ms: readyMs,
    revision: record.protocol_version,
    tools: offer?.tools ?? null,
    tokens: offer?.tokens ?? null,
    rss_mb: rssMb,
    noise_lines: noiseLines,
    exits_on_eof: exitsOnEof,
  };
}

/** Of a server that was not looked at. */
export function notStarted(name: string, isAddress: boolean): ServerReport {
  return {
    name,
    state: 'not_started',
    kind: isAddress ? 'address' : 'program',
    ready_ms: null,
    revision: null,
    tools: null,
    tokens: null,
    rss_mb: null,
    noise_lines: 0,
    exits_on_eof: null,
  };
}
