/**
 * Clients of revision 2026-07-28, and servers that want a URL visited before they carry a call out: they say so by an error
 * of earlier revisions, which such a client does not know.
 */
import { afterEach, expect, test, vi } from 'vitest';
import { asked, back, call, houseOf } from '../support/parked-house.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

afterEach(tidy);

test.each(['stdio', 'http'] as const)(
  'over %s: a server that wants a URL visited first gets the call once more after that',
  async (over) => {
    const { send, received } = await houseOf(over);
    const able = { elicitation: { url: {} } };
    const urls = ['https://a.example/', 'https://b.example/'];
    const params = call('visit', { times: 2, urls });
    const first = await send('tools/call', params, { able });
    const asks = (at: number) => ({
      method: 'elicitation/create',
      params: { mode: 'url', url: urls[at], message: '[asks] log in' },
    });
    expect(first.result.inputRequests).toMatchObject({ url1: asks(0), url2: asks(1) });
    expect(JSON.stringify(first)).not.toContain('elicitationId');
    const accepted = { url1: { action: 'accept' }, url2: { action: 'accept' } };
    const second = await send('tools/call', { ...params, ...back(first, accepted) }, { able });
    expect(asked(second)).toEqual(['url1', 'url2']);
    const last = await send('tools/call', { ...params, ...back(second, accepted) }, { able });
    expect(last.result).toMatchObject({
      resultType: 'complete',
      content: [{ text: 'visited after 2' }],
    });
    const lines = received('"method":"tools/call"');
    expect(lines).toHaveLength(3);
    expect(lines.join('')).not.toMatch(/inputResponses|requestState/);
    const stale = await send('tools/call', { ...params, ...back(first, accepted) }, { able });
    expect(stale.error?.code).toBe(-32602);
    // Who will not, or cannot, has the error in words.
    const others = { ...params, arguments: { ...params.arguments, times: 9 } };
    const again = await send('tools/call', others, { able });
    const no = { url1: { action: 'accept' }, url2: { action: 'decline' } };
    const declined = await send('tools/call', { ...others, ...back(again, no) }, { able });
    const unable = await send('tools/call', others);
    for (const { error } of [declined, unable]) {
      expect(error).toMatchObject({ code: -32603, message: 'visit first' });
    }
    expect(received('"method":"tools/call"')).toHaveLength(5);
  },
);
