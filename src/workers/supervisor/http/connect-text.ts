/** Why a connection could not be made, in words that name what helps where the code of the error does not. Pure. */

/** The chain of the certificate ends at an authority that is not known here. */
const UNTRUSTED =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_UNTRUSTED|INVALID_CA)$/;
const NO_WAY = /^(?:ENOTFOUND|EAI_\w+|ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ECONNRESET)$/;
const OWN_HOST = /^(?:localhost|127\.[\d.]+|\[::1\]|.*\.localhost)$/;

/** @param env of the gateway. */
export function connectText(
  url: URL,
  code: string,
  message: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const text = `cannot connect to ${url.host} (${code || message})`;
  if (UNTRUSTED.test(code)) {
    return `${text}; its certificate is of an authority that is not known here, unless NODE_EXTRA_CA_CERTS names it`;
  }
  const proxy = NO_WAY.test(code) ? unusedProxy(url, env) : null;
  return proxy === null ? text : `${text}; ${proxy} is set, and rea does not use it`;
}

/** The variable by which other programs would find a proxy for this place. */
function unusedProxy(
  { protocol, hostname }: URL,
  env: Readonly<Record<string, string | undefined>>,
): string | null {
  if (OWN_HOST.test(hostname)) return null;
  const direct = (env['no_proxy'] ?? env['NO_PROXY'] ?? '').split(/[\s,]+/);
  const isDirect = direct.some((one) => {
    const name = one.replace(/^\*?\.?/, '').toLowerCase();
    return one === '*' || (name !== '' && (hostname === name || hostname.endsWith(`.${name}`)));
  });
  if (isDirect) return null;
  const scheme = protocol.slice(0, -1);
  const names = [`${scheme}_proxy`, `${scheme}_proxy`.toUpperCase(), 'all_proxy', 'ALL_PROXY'];
  return names.find((name) => (env[name] ?? '') !== '') ?? null;
}
