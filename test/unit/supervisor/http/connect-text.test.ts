/** What is said of a connection that could not be made, beside the code of the error. */
import { describe, expect, it } from 'vitest';
import { connectText } from '#src/workers/supervisor/http/connect-text.ts';

const PLACE = new URL('https://mcp.example.com/mcp');
const UNUSED = /; HTTPS_PROXY is set, and rea does not use it$/;

function said(code: string, env: Record<string, string> = {}, url = PLACE): string {
  return connectText(url, code, 'message', env);
}

describe('connectText', () => {
  it('names the host and the code, or what else is known', () => {
    expect(said('ECONNREFUSED')).toBe('cannot connect to mcp.example.com (ECONNREFUSED)');
    expect(said('')).toBe('cannot connect to mcp.example.com (message)');
  });

  it.each([
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  ])('names NODE_EXTRA_CA_CERTS for %s', (code) => {
    expect(said(code, { HTTPS_PROXY: 'http://p' })).toMatch(/NODE_EXTRA_CA_CERTS names it$/);
  });

  it('does not name it for a certificate that no authority would put right', () => {
    expect(said('CERT_HAS_EXPIRED')).not.toContain('NODE_EXTRA_CA_CERTS');
    expect(said('ERR_TLS_CERT_ALTNAME_INVALID')).not.toContain('NODE_EXTRA_CA_CERTS');
  });

  it.each(['ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH'])(
    'says for %s that a proxy is not used',
    (code) => expect(said(code, { HTTPS_PROXY: 'http://user:secret@p' })).toMatch(UNUSED),
  );

  it('names the variable that others would use for this scheme, never its value', () => {
    const env = { http_proxy: 'http://one', ALL_PROXY: 'http://user:secret@two' };
    expect(said('ENOTFOUND', env)).toMatch(/; ALL_PROXY is set/);
    expect(said('ENOTFOUND', env)).not.toContain('secret');
    expect(said('ENOTFOUND', env, new URL('http://x.example/'))).toMatch(/; http_proxy is set/);
    expect(said('ENOTFOUND', { HTTPS_PROXY: '' })).not.toContain('PROXY');
  });

  it('says nothing of a proxy where none would be used', () => {
    const HTTPS_PROXY = 'http://p';
    for (const host of ['localhost:8443', '127.0.0.1', '[::1]', 'x.localhost']) {
      expect(said('ECONNREFUSED', { HTTPS_PROXY }, new URL(`https://${host}/`))).not.toMatch(
        UNUSED,
      );
    }
    for (const NO_PROXY of [
      '*',
      'example.com',
      'a.b, .example.com',
      '*.example.com mcp',
      PLACE.hostname,
    ]) {
      expect(said('ENOTFOUND', { HTTPS_PROXY, NO_PROXY }), NO_PROXY).not.toMatch(UNUSED);
    }
    for (const NO_PROXY of ['', 'ample.com', 'com.example', 'xmcp.example.com']) {
      expect(said('ENOTFOUND', { HTTPS_PROXY, NO_PROXY }), NO_PROXY).toMatch(UNUSED);
    }
    expect(said('EPROTO', { HTTPS_PROXY })).not.toMatch(UNUSED);
  });
});
