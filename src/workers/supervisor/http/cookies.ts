/**
 * The cookies of one session with one endpoint, as balancers set them so that a session stays with its server.
 * They go back to the origin that set them, and end with the session. Owned by one client; bounded.
 */

const MAX_COOKIES = 32;
const MAX_BYTES = 4096;
/** What may stand in a header; a name is shorter. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[\x20-\x7e]*$/;

interface Cookie {
  readonly value: string;
  readonly path: string;
  readonly secure: boolean;
  /** Milliseconds since the epoch; Infinity: with the session. */
  readonly until: number;
}

export class Cookies {
  readonly #kept = new Map<string, Cookie>();

  /** @param lines the values of `Set-Cookie`. @param url what was asked for. */
  take(lines: readonly string[], url: URL, now: number): void {
    for (const line of lines) if (line.length <= MAX_BYTES) this.#take(line, url, now);
  }

  /** The value of `Cookie`, "" for none. @param own those of the configuration, which come first and count. */
  header(url: URL, own: string, now: number): string {
    const taken = new Set(own.split(';').map((pair) => pair.split('=', 1)[0]?.trim()));
    const parts = own === '' ? [] : [own];
    for (const [name, { value, path, secure, until }] of this.#kept) {
      if (until <= now) this.#kept.delete(name);
      else if (taken.has(name) || (secure && url.protocol !== 'https:')) continue;
      else if (isBelow(url.pathname, path)) parts.push(`${name}=${value}`);
    }
    return parts.join('; ');
  }

  #take(line: string, url: URL, now: number): void {
    const [pair = '', ...rest] = line.split(';');
    const equals = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, equals)).trim();
    const value = pair.slice(equals + 1).trim();
    if (!NAME.test(name) || !VALUE.test(value)) return;
    const attributes = new Map(rest.map(attribute));
    const domain = attributes.get('domain')?.replace(/^\./, '').toLowerCase() ?? '';
    const { hostname } = url;
    if (domain !== '' && hostname !== domain && !hostname.endsWith(`.${domain}`)) return;
    const secure = attributes.has('secure');
    if (secure && url.protocol !== 'https:') return;
    const path = attributes.get('path') ?? '';
    const until = endOf(attributes, now);
    this.#kept.delete(name);
    if (until <= now) return;
    // The oldest goes.
    if (this.#kept.size >= MAX_COOKIES) this.#kept.delete(this.#kept.keys().next().value ?? '');
    this.#kept.set(name, {
      value,
      path: path.startsWith('/') ? path : directoryOf(url.pathname),
      secure,
      until,
    });
  }
}

function attribute(text: string): [string, string] {
  const [name = '', ...value] = text.split('=');
  return [name.trim().toLowerCase(), value.join('=').trim()];
}

/** `Max-Age` counts before `Expires`. A date that cannot be read does not count. */
function endOf(attributes: ReadonlyMap<string, string>, now: number): number {
  const age = attributes.get('max-age') ?? '';
  if (/^-?\d+$/.test(age)) return now + Number(age) * 1000;
  const date = Date.parse(attributes.get('expires') ?? '');
  return Number.isNaN(date) ? Infinity : date;
}

function directoryOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}

function isBelow(path: string, directory: string): boolean {
  if (!path.startsWith(directory)) return false;
  return (
    path.length === directory.length || directory.endsWith('/') || path[directory.length] === '/'
  );
}
