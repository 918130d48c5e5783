/** The address of `--http`: `port`, `host:port` or `[ipv6]:port`. */

const DEFAULT_HOST = '127.0.0.1';
const FORM = /^(?:(?<host>[^:[\]]+|\[[0-9a-fA-F:.]+\]):)?(?<port>\d{1,5})$/;

/** The parsed address, or one line saying what is wrong. */
export function hostAndPort(text: string): { host: string; port: number } | string {
  const groups = FORM.exec(text)?.groups;
  const port = Number(groups?.['port'] ?? Number.NaN);
  if (!(port <= 65535)) {
    return `--http "${text}": not an address; use a port from 0 to 65535, or host:port such as 127.0.0.1:7332`;
  }
  const host = groups?.['host'] ?? DEFAULT_HOST;
  return { host: host.replace(/^\[|\]$/g, ''), port };
}
