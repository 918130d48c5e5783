/** `rea status NAME`: what all gateways know about one server. Pure. */
import type { DownstreamView } from './state-file.ts';
import type { Verdict } from './verdict.ts';
import { shown } from './words.ts';

const MOST_NAMES = 20;

/** Instances for single clients count as their server. */
export function isOf(name: string): (lane: string | null) => boolean {
  return (lane) => lane === name || lane?.startsWith(`${name}#`) === true;
}

/** The same, of this server only. @returns in place of it one line when no gateway has such a server. */
export function onlyOf(verdict: Verdict, name: string): Verdict | string {
  const is = isOf(name);
  const gateways = verdict.gateways.map((one) => {
    if (one.view === null) return one;
    const { downstreams, disabled } = one.view;
    const view = {
      ...one.view,
      downstreams: downstreams?.filter((server) => is(server.name)) ?? null,
      disabled: disabled.filter(is),
    };
    return { ...one, view };
  });
  const has = gateways.some(
    ({ view }) => (view?.downstreams?.length ?? 0) + (view?.disabled.length ?? 0) > 0,
  );
  if (has || verdict.gateways.every(({ view }) => view === null)) return { ...verdict, gateways };
  const names = new Set(verdict.gateways.flatMap(({ view }) => namesOf(view?.downstreams ?? [])));
  const known = [...names].slice(0, MOST_NAMES).map((one) => shown(one, 64));
  const which = known.length === 0 ? 'there are none' : `there are ${known.join(', ')}`;
  const more = names.size > known.length ? ', …' : '';
  return `no gateway here has a server "${shown(name, 64)}"; ${which}${more}`;
}

function namesOf(servers: readonly DownstreamView[]): string[] {
  return servers.flatMap(({ name }) => (name === null ? [] : [name]));
}
