/**
 * Which addresses a login may speak to. A server names its authorization server, and a server on the internet must
 * not be able to name one on this machine, in its network, or the metadata of its cloud. Pure.
 */
import { BlockList, isIP } from 'node:net';

/** Where an address is: each kind may name the ones behind it, and its own. */
export type Zone = 'loopback' | 'private' | 'public' | 'link_local';

const NETS: readonly (readonly [Zone, string, number, 'ipv4' | 'ipv6'])[] = [
  ['loopback', '127.0.0.0', 8, 'ipv4'],
  ['loopback', '::1', 128, 'ipv6'],
  ['link_local', '169.254.0.0', 16, 'ipv4'],
  ['link_local', 'fe80::', 10, 'ipv6'],
  // The metadata services of clouds, which lie in networks of their own.
  ['link_local', 'fd00:ec2::254', 128, 'ipv6'],
  ['link_local', '100.100.100.200', 32, 'ipv4'],
  ['link_local', '0.0.0.0', 8, 'ipv4'],
  ['link_local', '::', 128, 'ipv6'],
  ['link_local', '224.0.0.0', 3, 'ipv4'],
  ['link_local', 'ff00::', 8, 'ipv6'],
  // Tunnels and translators of a network's own: an IPv4 address of any kind may be in them.
  ['link_local', '64:ff9b:1::', 48, 'ipv6'],
  ['link_local', '2001::', 32, 'ipv6'],
  ['link_local', '2002::', 16, 'ipv6'],
  ['private', '10.0.0.0', 8, 'ipv4'],
  ['private', '100.64.0.0', 10, 'ipv4'],
  ['private', '172.16.0.0', 12, 'ipv4'],
  ['private', '192.168.0.0', 16, 'ipv4'],
  ['private', '192.0.0.0', 24, 'ipv4'],
  ['private', '198.18.0.0', 15, 'ipv4'],
  ['private', 'fc00::', 7, 'ipv6'],
];
const ZONES = NETS.map(([zone, net, bits, family]) => {
  const list = new BlockList();
  list.addSubnet(net, bits, family);
  return { zone, family, list };
});
/** An IPv4 address in an IPv6 one, by which systems and translators reach it: its last 32 bits. */
const MAPPED = /^(?:::ffff:|::ffff:0:|64:ff9b::|::)([\da-f]{1,4}):([\da-f]{1,4})$/;
const DOTTED = /^(?:::ffff:|::ffff:0:|64:ff9b::|::)(\d+\.\d+\.\d+\.\d+)$/;
const MAY_NAME: Readonly<Record<Zone, readonly Zone[]>> = {
  loopback: ['loopback', 'private', 'public'],
  private: ['private', 'public'],
  public: ['public'],
  link_local: ['link_local', 'public'],
};

/** @param address an IP address. */
export function zoneOf(address: string): Zone {
  const text = withoutMapping(address.toLowerCase());
  const family = isIP(text) === 6 ? 'ipv6' : 'ipv4';
  return (
    ZONES.find((one) => one.family === family && one.list.check(text, family))?.zone ?? 'public'
  );
}

/** @param home where the server is that has named the other one. */
export function mayReach(home: Zone, other: Zone): boolean {
  return MAY_NAME[home].includes(other);
}

/**
 * How far a login may lead. Where the server is counts first, and then each of those that it has led to: what they
 * name may lie no further inside than they do themselves, wherever their names lead the next time.
 */
export class Trust {
  #home: Zone | null;

  /** @param home null: where the server is shows when it is connected to. */
  constructor(home: Zone | null) {
    this.#home = home;
  }

  get zone(): Zone {
    return this.#home ?? 'public';
  }

  /** @param isServer the server itself, at the address that a person has configured. */
  allows(other: Zone, isServer = false): boolean {
    return (isServer && this.#home === null) || mayReach(this.zone, other);
  }

  /** @param other that was connected to. */
  reached(other: Zone): void {
    this.#home = other;
  }
}

/** The address in the host of a URL; null: it is a name. */
export function literalOf({ hostname }: URL): string | null {
  const text = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(text) === 0 ? null : text;
}

/** Whether it names this machine and no other. */
export function isLoopbackHost(url: URL): boolean {
  const literal = literalOf(url);
  return literal === null ? url.hostname === 'localhost' : zoneOf(literal) === 'loopback';
}

function withoutMapping(address: string): string {
  const dotted = DOTTED.exec(address)?.[1];
  if (dotted !== undefined) return dotted;
  const [, high, low] = MAPPED.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  const bits = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return bits.flatMap((two) => [two >> 8, two & 0xff]).join('.');
}
