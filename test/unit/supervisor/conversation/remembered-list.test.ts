import { describe, expect, test } from 'vitest';
import { Redactor } from '#src/shared/text/redact.ts';
import { rememberedList } from '#src/workers/supervisor/conversation/remembered-list.ts';

const SECRET = 'Zq7"canary\\9Kd0é';
const redactor = new Redactor({ values: [SECRET] });
const hide = (text: string) => redactor.redactValues(text);

function remembered(...entries: object[]) {
  return rememberedList(
    entries.map((entry) => ({
      key: 'x',
      json: Buffer.from(typeof entry === 'string' ? entry : JSON.stringify(entry)),
      keyAt: [0, 0] as const,
    })),
    hide,
  );
}

describe('what is remembered of a list', () => {
  test('is the text that came, also where it looks like a secret', () => {
    const entry = { name: 'a', description: 'password: hunter2, token=abcdefgh', n: 1.5 };
    expect(remembered(entry)).toEqual({ kept: [JSON.stringify(entry)] });
  });

  test('holds no secret in titles and descriptions, wherever they are', () => {
    const entry = {
      name: 'a',
      title: `with ${SECRET}`,
      description: Buffer.from(SECRET).toString('hex'),
      inputSchema: { properties: { b: { description: `\n${SECRET}\n"` } } },
    };
    const { kept } = remembered({ name: 'first' }, entry);
    expect(kept?.[0]).toBe('{"name":"first"}');
    expect(JSON.parse(kept?.[1] ?? '')).toEqual({
      name: 'a',
      title: 'with [REDACTED:secret]',
      description: '[REDACTED:secret]',
      inputSchema: { properties: { b: { description: '\n[REDACTED:secret]\n"' } } },
    });
  });

  test.each([
    { name: `tool-${SECRET}` },
    { name: 'a', uri: `res://${encodeURIComponent(SECRET)}` },
    { name: 'a', inputSchema: { enum: [SECRET] } },
    { name: 'a', inputSchema: { properties: { [SECRET]: {} } } },
  ])('is nothing where a secret stands in what is served: %j', (entry) => {
    expect(remembered({ name: 'first' }, entry)).toEqual({ kept: null, why: 'secret' });
  });

  test('is nothing where it would not be JSON any more, or nests too deeply to know', () => {
    const odd = new Redactor({ values: ['x","b":"y'] });
    const json = Buffer.from('{"title":"x","b":"y"}');
    const list = rememberedList([{ key: 'x', json, keyAt: [0, 0] }], (text) =>
      odd.redactValues(text),
    );
    expect(list).toEqual({ kept: null, why: 'secret' });
    const deep = `{"description":${JSON.stringify(SECRET)},"x":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    const { kept } = remembered(deep as unknown as object);
    expect(kept === null || JSON.parse(kept[0] ?? '') !== undefined).toBe(true);
  });

  test('is nothing of what is too large', () => {
    const entry = { name: 'x'.repeat(1024 * 1024) };
    expect(remembered(...Array.from({ length: 8 }, () => entry))).toEqual({
      kept: null,
      why: 'too_large',
    });
  });
});
