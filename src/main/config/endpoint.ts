/**
 * Rules for the address and the headers of a server over HTTP. A broken rule answers with advice, and
 * never with the value, which may be a secret.
 */

export const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;
/** Visible ASCII, spaces and tabs inside, and bytes that older servers take for Latin-1. */
const HEADER_VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

/** Set by the gateway, or by the rules of HTTP itself. */
const OWN_HEADERS = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'last-event-id',
  'mcp-protocol-version',
  'mcp-session-id',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Why a header may not be called `name`, or null. */
export function headerNameAdvice(name: string): string | null {
  return HEADER_NAME.test(name) ? null : 'use the name of a header: letters, digits and "-"';
}

/** True when the gateway sets this header itself, so that one of a configuration is not sent. */
export function isOwnHeader(name: string): boolean {
  return OWN_HEADERS.has(name.toLowerCase());
}

/** Why a header cannot have this value, or null. @param value after expansion. */
export function headerValueAdvice(value: string): string | null {
  return HEADER_VALUE.test(value)
    ? null
    : 'use one line without control characters, and no space at its ends';
}

export type Address =
  | {
      readonly ok: true;
      readonly url: string;
      /** Everything can be read on the way to another machine. */
      readonly unencrypted: boolean;
    }
  | { readonly ok: false; readonly message: string; readonly fix: string };

/**
 * Checks the address of a server.
 *
 * @param text after expansion.
 * @param showsParts true: a message may quote it. False when it holds a variable's value.
 * @param insecureHttp true: plain http to another machine is meant.
 */
export function readAddress(text: string, showsParts: boolean, insecureHttp: boolean): Address {
  const refuse = (message: string, fix: string): Address => ({ ok: false, message, fix });
  if (!URL.canParse(text)) return refuse('is no address', 'write https://host/path');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    const what = showsParts ? `begins with "${url.protocol}"` : 'is not an address of the web';
    return refuse(what, 'write https://host/path');
  }
  if (url.username !== '' || url.password !== '') {
    return refuse('holds credentials', 'move them to headers or token_file');
  }
  const unencrypted = url.protocol === 'http:' && !isLoopback(url.hostname);
  if (unencrypted && !insecureHttp) {
    const fix =
      'write https, or, if the network between is trusted, set insecure_http: true; without it http is for this machine only (127.0.0.1, ::1, localhost)';
    const host = showsParts ? url.host : 'another machine';
    return refuse(`would send everything to ${host} unencrypted`, fix);
  }
  url.hash = '';
  return { ok: true, url: url.href, unencrypted };
}

/** @param hostname as URL has it: IPv4 addresses in dotted form, IPv6 ones in brackets. */
function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname === '[::1]' ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
  );
}
