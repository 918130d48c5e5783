/** Secrets in answers: each is masked in every form, and nothing else of the answer changes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Frame, scanFrame } from '#src/shared/json/frame.ts';
import { DEFAULT_REDACT, type RedactRules } from '#src/shared/model/policy.ts';
import { TOKEN_KINDS } from '#src/shared/text/redact-patterns.ts';
import { Results } from '#src/workers/supervisor/results/results.ts';
import { SecretsInText } from '#src/workers/supervisor/results/secrets-in-text.ts';
import { FORMS } from '../../../support/secret-forms.ts';
import { HEX, of, TOKEN_SAMPLES } from '../../../support/token-samples.ts';

const SECRET = 'Zq7 set/"x9\\Kd0vé+Pw3';
const LONG = `start of a long one: ${'q9Zx.'.repeat(30)}end`;

function frameOf(message: unknown): Frame {
  const frame = scanFrame(
    Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)),
  );
  if ('error' in frame) throw new Error(`refused (${frame.error})`);
  return frame;
}

function taken(message: unknown, values: readonly string[] = [], rules: Partial<RedactRules> = {}) {
  const secrets = new SecretsInText(values);
  const results = new Results({
    rules: () => ({ ...DEFAULT_REDACT, ...rules }),
    injection: () => 'off',
    secrets: () => secrets,
    maxBytes: () => 1 << 25,
  });
  const frame = frameOf(message);
  const passed = results.take(frame);
  if ('why' in passed) return { same: false, raw: '', redacted: null, why: passed.why };
  const same = passed.frame === frame;
  return {
    same,
    raw: Buffer.from(passed.frame.line).toString(),
    redacted: passed.redacted,
    why: null,
  };
}

const result = (text: string) => ({
  jsonrpc: '2.0',
  id: 4,
  result: { content: [{ type: 'text', text }] },
});

function textIn(text: string, values: readonly string[] = []): string {
  const { raw } = taken(result(text), values);
  return JSON.parse(raw).result.content[0].text;
}

describe('what is masked', () => {
  test('there is a sample of every kind of token', () => {
    expect(new Set(TOKEN_SAMPLES.map(([kind]) => kind))).toEqual(
      new Set(TOKEN_KINDS.filter((kind) => kind !== 'telegram-token')),
    );
  });

  test.each([...TOKEN_SAMPLES, ['telegram-token', `:AA${of(33)}`] as const])(
    '%s, wherever it stands: %s',
    (kind, token) => {
      const mark = `[REDACTED:${kind}]`;
      const before = kind === 'telegram-token' ? 'bot12345678' : '';
      for (const [head, tail] of [
        ['', ''],
        ['it is ', ', sorry'],
        ['"', '"'],
        ['line\n', '\nline'],
        ['KEY=', '\n'],
        ['é', 'é'],
        ['x '.repeat(200), ' y'.repeat(200)],
        ['\\n', '\\n'],
        ['%3D', '%0A'],
        ['\\u0022', '\\u0022'],
      ]) {
        const text = `${head}${before}${token}${tail}`;
        expect(textIn(text), text).toBe(`${head}${before}${mark}${tail}`);
      }
    },
  );

  test('a private key, of one line or many, and one longer than a piece', () => {
    const key = (body: string) => `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----`;
    const mark = '[REDACTED:private-key]';
    expect(textIn(`a ${key(of(60))} b`)).toBe(`a ${mark} b`);
    expect(textIn(JSON.stringify({ key: key(`${of(60)}\n${of(60)}`) }))).toBe(`{"key":"${mark}"}`);
    const long = textIn(`a ${key(`${of(60)}\n`.repeat(2000))} b`);
    expect(long.startsWith(`a ${mark}`)).toBe(true);
    expect(long).not.toContain(of(30));
  });

  test.each<[string, string]>([
    [
      'with headers',
      `Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,${HEX.slice(0, 32)}\n\n${of(64)}`,
    ],
    ['with headers and a comment that are long', `Comment: ${'a key '.repeat(60)}\n\n${of(64)}`],
    ['of one short line', of(64)],
    ['cut in its first line', of(45)],
    ['with escaped slashes', `${of(30)}\\/${of(30)}\\/${of(3)}`],
  ])('the body of a private key %s', (_, body) => {
    const text = `a -----BEGIN PRIVATE KEY-----\n${body}`;
    for (const end of ['', '\n-----END PRIVATE KEY-----']) {
      expect(textIn(text + end)).toBe('a [REDACTED:private-key]');
      const json = JSON.stringify({ key: text + end });
      expect(textIn(json)).toBe('{"key":"a [REDACTED:private-key]"}');
    }
  });

  test.each(Object.entries(FORMS))('a configured value as %s', (_, write) => {
    for (const value of [SECRET, LONG]) {
      const written = write(value);
      const kept = written.replace(/=+$/, '').slice(2, -3);
      for (const text of [
        written,
        `before ${written} behind`,
        JSON.stringify({ key: written }),
        JSON.stringify({ text: JSON.stringify({ key: written }) }),
        `${'some text\n'.repeat(9000)}${written}${'some text\n'.repeat(9000)}`,
      ]) {
        const masked = textIn(text, ['other-secret-1', value]);
        expect(masked).toContain('[REDACTED:secret]');
        expect(masked).not.toContain(kept);
      }
    }
  });

  test('a value behind escapes of JSON that no writer needs', () => {
    const escaped = Array.from('Xk3secret9Q')
      .map((one) => `\\u00${one.charCodeAt(0).toString(16)}`)
      .join('');
    const line = `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"a ${escaped} b\\/c"}]}}`;
    const { raw } = taken(line, ['Xk3secret9Q']);
    expect(raw).toBe(
      '{"jsonrpc":"2.0","id":1,"result":{"_meta":{"rea/redacted":{"secret":1}},"content":[{"type":"text","text":"a [REDACTED:secret] b\\/c"}]}}',
    );
  });

  test('one at every place around the end of a piece', () => {
    const token = `ghp_${of(36)}`;
    for (const value of [token, SECRET]) {
      for (let at = 56 * 1024 - 60; at < 56 * 1024 + 10; at += 3) {
        for (const fill of [' ', '\n']) {
          const text = textIn(`${fill.repeat(at)}${value}${fill.repeat(9000)}`, [SECRET]);
          const kind = value === token ? 'github-token' : 'secret';
          expect(text.trim(), `${at}`).toBe(`[REDACTED:${kind}]`);
        }
      }
    }
  });

  test('a token that is longer than what is seen at once', () => {
    const jwt = `eyJ${of(60)}.eyJ${of(100).repeat(1500)}.${of(43)}`;
    const text = textIn(`${' '.repeat(50_000)}${jwt} behind`);
    expect(text.trim()).toBe('[REDACTED:jwt] behind');
  });

  test('patterns of the operator are counted, whatever they are called', () => {
    const names = ['constructor', 'toString', '__proto__', 'my own'];
    const patterns = names.map((name, at) => ({
      name,
      regex: `word${at}`,
      flags: '',
      at: '/floor/policy.yaml:2',
    }));
    const { raw, redacted } = taken(result('word0 word1 word2 word3 word0 word2'), [], {
      patterns,
    });
    const counts = '{"constructor":2,"toString":1,"__proto__":2,"my own":1}';
    // As main gets it, which counts the kinds and writes them into the audit log.
    const got = structuredClone({ redacted });
    expect(JSON.stringify(got.redacted)).toBe(counts);
    expect(Object.entries(got.redacted ?? {})).toEqual([
      ['constructor', 2],
      ['toString', 1],
      ['__proto__', 2],
      ['my own', 1],
    ]);
    expect(raw).toContain(`"_meta":{"rea/redacted":${counts}}`);
    expect(raw).toContain('[REDACTED:constructor] [REDACTED:toString] [REDACTED:__proto__]');
  });

  test('in every text, counted by kind, and told in _meta', () => {
    const token = `glpat-${of(20)}`;
    const message = {
      jsonrpc: '2.0',
      id: 1,
      result: {
        content: [
          { type: 'text', text: `${token} ${token}` },
          { type: 'resource', resource: { uri: 'file:///x', text: `AKIA${'ABCD2345'.repeat(2)}` } },
        ],
        structuredContent: { [token]: [token], n: 1.0 },
        _meta: { a: 1 },
      },
    };
    const { raw, redacted } = taken(message);
    expect(redacted).toEqual({ 'gitlab-token': 3, 'aws-access-key': 1 });
    const { content, structuredContent, _meta } = JSON.parse(raw).result;
    expect(content[0].text).toBe('[REDACTED:gitlab-token] [REDACTED:gitlab-token]');
    expect(content[1].resource.text).toBe('[REDACTED:aws-access-key]');
    expect(structuredContent).toEqual({ [token]: ['[REDACTED:gitlab-token]'], n: 1 });
    expect(_meta).toEqual({ 'rea/redacted': redacted, a: 1 });
  });

  test('the message of an error', () => {
    const message = { jsonrpc: '2.0', id: 1, error: { code: -1, message: `no: npm_${of(36)}` } };
    const { raw, redacted } = taken(message);
    expect(JSON.parse(raw).error).toEqual({ code: -1, message: 'no: [REDACTED:npm-token]' });
    expect(redacted).toEqual({ 'npm-token': 1 });
  });
});

describe('what stays', () => {
  test.each([
    'password = hunter2-is-secret',
    'Authorization: Bearer abcdefghijklmnopqrstuvwxyz',
    'postgres://me:hunter2@db:5432/x',
    '{"api_key": "0123456789"}',
    'the risk-free disk-encryption-key-management-service of task-force-one-and-two-and-three',
    '<div class="sk-toggleable__label-arrow sk-estimator-doc-link sk-ant-design-vue-layout">',
    'if (text.includes("-----BEGIN PRIVATE KEY-----")) return parse(text);',
    'a file with -----BEGIN RSA PRIVATE KEY----- in its first line, and some lines of base64 behind it',
    '-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----',
    'AKIA is a prefix, sk- too, and ghp_ as well; eyJ begins JSON',
    'data in base64: ZXlKaGJHY2lPaUpJVXpJMU5pSjkuZXlKemRXSWlPaUl4TWpNME5UWTNPRGt3SW4w',
  ])('%s', (text) => {
    const { same, raw } = taken(result(text), [SECRET]);
    expect(raw).toBe(JSON.stringify(result(text)));
    expect(same).toBe(true);
  });

  test('data, addresses, names, and what is outside of the result', () => {
    const token = `ghp_${of(36)}`;
    const message = {
      jsonrpc: '2.0',
      id: token,
      result: {
        content: [{ type: 'image', data: token, mimeType: token }],
        resource: token,
        _meta: { text: token },
      },
    };
    expect(taken(message).same).toBe(true);
  });

  test('everything but the secret, byte for byte', () => {
    const anything = fc.string({ unit: 'binary', maxLength: 40 });
    fc.assert(
      fc.property(anything, anything, fc.json(), (before, behind, json) => {
        const token = `sk_live_${HEX.slice(0, 30)}`;
        const text = `${before} ${token} ${behind}`;
        const line = `{ "jsonrpc":"2.0", "id":1 ,"result":{"x": ${json} , "content":[{"text":${JSON.stringify(text)}}]}}`;
        const mark = '[REDACTED:stripe-key]';
        const expected = line
          .replace('"result":{', '"result":{"_meta":{"rea/redacted":{"stripe-key":1}},')
          .replace(token, mark);
        expect(taken(line, [SECRET]).raw).toBe(expected);
      }),
      { numRuns: 200 },
    );
  });

  test('with warn everything stays, and is counted; with off nothing is looked for', () => {
    const message = result(`npm_${of(36)}`);
    expect(taken(message, [], { results: 'warn' })).toMatchObject({
      same: true,
      redacted: { 'npm-token': 1 },
    });
    expect(taken(message, [], { results: 'off' })).toMatchObject({ same: true, redacted: null });
  });
});

test('an answer with more secrets than anybody could read is withheld, not passed on', () => {
  const { why } = taken(result('Zq7x9Kd0 '.repeat(30_000)), ['Zq7x9Kd0']);
  expect(why).toContain('more than 20000 secrets');
});
