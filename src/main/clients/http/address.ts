/** The address of `--http`: `port`, `host:port` or `[ipv6]:port`. */
import { isIPv6 } from 'node:net';

const DEFAULT_HOST = '127.0.0.1';
const FORM = /^(?:(?:(?<name>[\w.-]+)|\[(?<ipv6>[0-9a-fA-F:.]+)\]):)?(?<port>\d{1,5})$/;

/** The parsed address, an IPv6 host without its brackets, or one line saying what is wrong. */
export function hostAndPort(text: string): { host: string; port: number } | string {
  const { name, ipv6, port } = FORM.exec(text)?.groups ?? {};
  const number = Number(port ?? Number.NaN);
  if (!(number <= 65535) || (ipv6 !== undefined && !isIPv6(ipv6))) {
    return `--http "${text}": not an address; use a port from 0 to 65535, or host:port such as 127.0.0.1:7332`;
  }
  return { host: name ?? ipv6 ?? DEFAULT_HOST, port: number };
}
