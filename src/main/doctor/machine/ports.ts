/** Whether the ports that a gateway would listen on are free, or taken by one of this directory. */
import { createServer } from 'node:http';
import { listen } from '../../http/listen.ts';
import { USUAL_PORT } from '../../http/usual-port.ts';
import { metricsPort } from '../../metrics/metrics.ts';
import { lives } from '../../status/gateways.ts';
import { type Finding, finding } from '../finding.ts';
import type { Place } from '../place.ts';

const LOOPBACK = '127.0.0.1';

export async function checkPorts({ env, gateways }: Place): Promise<Finding[]> {
  const living = gateways.filter((gateway) => lives(gateway));
  const own = new Set(
    living.flatMap(({ instance, view }) => [
      ...portsIn(instance?.http ?? ''),
      ...(view?.metricsPort == null ? [] : [view.metricsPort]),
    ]),
  );
  return judgePorts({ metrics: env['REA_METRICS_PORT'], own, isTaken });
}

/** @param facts.own ports of gateways of this directory. */
export async function judgePorts(facts: {
  readonly metrics: string | undefined;
  readonly own: ReadonlySet<number>;
  readonly isTaken: (port: number) => Promise<boolean>;
}): Promise<Finding[]> {
  const { own, isTaken } = facts;
  const isForeign = async (port: number) => !own.has(port) && (await isTaken(port));
  const metrics = metricsPort(facts.metrics);
  const findings: Finding[] = [];
  if (await isForeign(USUAL_PORT)) findings.push(finding('port_taken', null, String(USUAL_PORT)));
  if (typeof metrics === 'string') findings.push(finding('metrics_port', null, metrics));
  else if (metrics !== null && metrics > 0 && (await isForeign(metrics))) {
    findings.push(finding('metrics_port', null, `another program listens on port ${metrics}`));
  }
  return findings;
}

/** @param url as a record in the project says it, which may be anything. */
function portsIn(url: string): number[] {
  const port = /^http:\/\/[^/]{1,255}:(\d{1,5})\//.exec(url)?.[1];
  return port === undefined ? [] : [Number(port)];
}

async function isTaken(port: number): Promise<boolean> {
  const server = createServer();
  const refused = await listen(server, LOOPBACK, port);
  if (refused !== null) return refused.code === 'EADDRINUSE';
  await new Promise((resolve) => server.close(resolve));
  return false;
}
