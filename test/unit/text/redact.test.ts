import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isWorthHiding } from '#src/shared/secrets/worth-hiding.ts';
import { Redactor } from '#src/shared/text/redact.ts';
import { LETTERS, of, TOKEN_SAMPLES } from '../../support/token-samples.ts';

const builtIn = new Redactor({});

describe('well-known secrets', () => {
  test.each(TOKEN_SAMPLES)('%s is replaced wherever it stands: %s', (name, secret) => {
    const mark = `[REDACTED:${name}]`;
    expect(builtIn.redact(secret)).toBe(mark);
    expect(builtIn.redact(`cannot use ${secret}, sorry`)).toBe(`cannot use ${mark}, sorry`);
    expect(builtIn.redact(JSON.stringify({ text: `a\n"${secret}"` }))).not.toContain(secret);
    expect(builtIn.redact(`KEY=${secret}\nNEXT=1`)).toBe(`KEY=${mark}\nNEXT=1`);
  });

  test('that of a Telegram bot is replaced behind its number', () => {
    const text = `https://api.telegram.org/bot123456789:AA${of(33)}/getMe`;
    expect(builtIn.redact(text)).toBe(
      'https://api.telegram.org/bot123456789[REDACTED:telegram-token]/getMe',
    );
  });

  test.each([
    ['Authorization: Bearer abcd.efgh', 'Authorization: Bearer [REDACTED:authorization]'],
    ['authorization: Basic dXNlcjpwYXNz\nx', 'authorization: Basic [REDACTED:authorization]\nx'],
    ['{"Authorization":"Token abcdef"}', '{"Authorization":"Token [REDACTED:authorization]"}'],
    [`with bearer ${of(20)}!`, 'with bearer [REDACTED:bearer]!'],
    ['postgres://me:hunter2@db:5432/x', 'postgres://me:[REDACTED:url-password]@db:5432/x'],
    ['redis://:p@ss@host', 'redis://:[REDACTED:url-password]@host'],
    [
      `hooks.slack.com/services/T0/B0/${of(24)}`,
      'hooks.slack.com/services/[REDACTED:slack-webhook]',
    ],
    ['password=hunter2 next', 'password=[REDACTED:assignment] next'],
    ['DB_PASSWORD: hunter2', 'DB_PASSWORD: [REDACTED:assignment]'],
    ['{"password": "two words"}', '{"password": "[REDACTED:assignment]"}'],
    ['?token=abcdef&x=1', '?token=[REDACTED:assignment]&x=1'],
    ['api_key = abcdef', 'api_key = [REDACTED:assignment]'],
    ["'clientSecret': 'abcdef'", "'clientSecret': '[REDACTED:assignment]'"],
    ['"{\\"apiKey\\":\\"abcdef\\"}"', '"{\\"apiKey\\":\\"[REDACTED:assignment]\\"}"'],
  ])('in context: %s', (text, expected) => {
    expect(builtIn.redact(text)).toBe(expected);
    expect(builtIn.redact(expected)).toBe(expected);
  });

  test('private keys go as a whole, also when escaped or cut', () => {
    const body = `${of(60)}\n${of(60)}==\n`;
    const key = (kind: string): string =>
      `-----BEGIN ${kind}PRIVATE KEY-----\n${body}-----END ${kind}PRIVATE KEY-----`;
    for (const kind of ['', 'RSA ', 'OPENSSH ', 'ENCRYPTED ']) {
      expect(builtIn.redact(`a ${key(kind)}\nb`)).toBe('a [REDACTED:private-key]\nb');
    }
    const json = JSON.stringify({ key: `${key('')}\n`, other: 'stays' });
    expect(JSON.parse(builtIn.redact(json))).toEqual({
      key: '[REDACTED:private-key]\n',
      other: 'stays',
    });
    expect(builtIn.redact(JSON.stringify(json))).not.toContain(of(60));
    expect(builtIn.redact(`"${key('').slice(0, 100)}" (cut)`)).toBe(
      '"[REDACTED:private-key]" (cut)',
    );
  });

  test.each([
    'GET https://example.com:8080/a@b?c=d',
    'git clone ssh://git@example.com/x.git',
    '{"nextPageToken":"abcdef","progressToken":"abcdef","max_tokens":100}',
    '{"token":null,"password":true,"secret":12345}',
    'the password must have 8 characters; tokens expire',
    'PASSWORD_FILE=/run/secrets/db',
    'sk-short ghp_short AKIA eyJ.eyJ.x npm_config_cache=/tmp',
    'task-force-one-two-three-four-five-six',
    '.sk-toggleable__label-arrow { } sk-estimator-doc-link-and-more sk-ant-design-vue-pro-layout',
    `M${of(23)} and N.${of(6)}.${of(40)}, at 12:AA-3 and a:AA${of(33)}`,
    'SK-1, key-value, secret_santa, dp.st.x, A3-paper, r8_4, hvs.fi, ops_team, figs_and_dates',
    '-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----',
  ])('harmless text stays: %s', (text) => {
    expect(builtIn.redact(text)).toBe(text);
  });
});

describe('configured values', () => {
  const secret = 'p/w+d "quoted" é&=?';
  const redactor = new Redactor({ values: [secret], builtIn: false });

  test.each([
    ['as it is', secret],
    ['in JSON', JSON.stringify(secret).slice(1, -1)],
    ['percent-encoded', encodeURIComponent(secret)],
    [
      'percent-encoded in lower case',
      encodeURIComponent(secret).replace(/%../g, (e) => e.toLowerCase()),
    ],
    ['as a form field', new URLSearchParams({ a: secret }).toString().slice(2)],
  ])('are found %s', (_form, text) => {
    expect(redactor.redact(`<${text}>`)).toBe('<[REDACTED:secret]>');
  });

  test('are found in base64 at any place of a longer text', () => {
    for (const encoding of ['base64', 'base64url'] as const) {
      for (const before of ['', 'u', 'us', 'use', 'user:']) {
        for (const after of ['', 'x', 'xy', 'xyz']) {
          const encoded = Buffer.from(before + secret + after).toString(encoding);
          expect(redactor.redact(encoded)).toContain('[REDACTED:secret]');
          expect(redactor.redact(encoded).length).toBeLessThan(40);
        }
      }
    }
  });

  test('are found line by line when they have several', () => {
    const lines = [of(40), LETTERS.slice(0, 30), 'short'];
    const several = new Redactor({ values: [lines.join('\n')] });
    expect(several.redact(lines.join('\n'))).toBe('[REDACTED:secret]');
    expect(several.redact(`a ${lines[1]} b`)).toBe('a [REDACTED:secret] b');
    expect(several.redact('short')).toBe('short');
  });

  test('are taken literally, the longer before the shorter', () => {
    const nested = new Redactor({ values: ['a.b*c$&', 'a.b*c$&(more)^[x]'] });
    expect(nested.redact('a.b*c$&(more)^[x] a.b*c$& aXbbc$&')).toBe(
      '[REDACTED:secret] [REDACTED:secret] aXbbc$&',
    );
  });

  test('any value worth hiding is gone from any text', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 8, maxLength: 30 }),
        fc.string(),
        fc.string(),
        (value, before, after) => {
          fc.pre(!/^[\w./:~ -]*$/.test(value) && value.trim().length >= 6);
          fc.pre(!'[REDACTED:secret]'.includes(value.trim()));
          const text = before + value + after;
          const clean = new Redactor({ values: [value], builtIn: false }).redact(text);
          expect(clean).toContain('[REDACTED:secret]');
          expect(clean).not.toContain(value);
        },
      ),
    );
  });

  test.each([
    '',
    '12345',
    'short',
    'true',
    'Production',
    'localhost',
    '8080808',
    'en_US.UTF-8',
    'disabled',
    '/tmp',
    '/usr/local/bin:/usr/bin',
    '~/.config/app',
    './data/files',
    'C:\\Program Files\\x',
    'http://localhost:3000/api',
    'https://api.example.com/v1/users',
  ])('are left alone when they say nothing: %j', (value) => {
    const text = `before ${value} after`;
    expect(isWorthHiding(value)).toBe(false);
    expect(new Redactor({ values: [value].filter((one) => isWorthHiding(one)) }).redact(text)).toBe(
      text,
    );
  });

  test.each([
    'hunter2',
    '12345678',
    `/${of(20)}1aB/${of(19)}`,
    `https://hooks.example.com/${of(24)}`,
    'https://user:pw@example.com',
    'https://example.com/?key=abc',
    'correct horse battery',
  ])('are hidden when they may be secrets: %s', (value) => {
    expect(isWorthHiding(value)).toBe(true);
    expect(new Redactor({ values: [value], builtIn: false }).redact(`=${value}=`)).toBe(
      '=[REDACTED:secret]=',
    );
  });

  test('half a surrogate pair in a value does no harm', () => {
    expect(new Redactor({ values: ['secret\ud800value'] }).redact('nothing here')).toBe(
      'nothing here',
    );
  });
});

test('one hostile megabyte takes no longer than a harmless one', () => {
  const pieces = [
    'eyJ',
    'eyJ_',
    'eyJaaaaaaaa.',
    'sk-',
    'sk-ant-',
    'sk-a',
    'sk-aaaaaaaaaaaaaaaaaaaaaaaaa ',
    'SG.',
    'SG.aaaaaaaaaaaaaaaaaaaa.',
    'xoxb-',
    '://',
    '://a:',
    '://a:b',
    'a:b@',
    '-----BEGIN PRIVATE KEY-----',
    '-----',
    '-',
    '\\',
    '\\n',
    '-----BEGIN PRIVATE KEY-----\\',
    'authorization ',
    'authorization: ',
    'password',
    'token=',
    'token= ',
    'bearer ',
    'bearer a',
    'a',
    ' ',
    '=',
    '"',
    'AKIA',
    'ghp_',
    'glpat-',
    'github_pat_',
  ];
  const openings = ['', 'eyJaaaaaaaaa.eyJ', 'SG.', 'https://u:', '-----BEGIN PRIVATE KEY-----'];
  const redactor = new Redactor({ values: ['configured-value', 'aaaaaaaaaaaaaaab'] });
  for (const piece of pieces) {
    for (const opening of openings) {
      const text = opening + piece.repeat(1e6 / piece.length);
      const started = performance.now();
      redactor.redact(text);
      // A pattern that is not linear would take minutes.
      expect(performance.now() - started, `${opening} ${piece}`).toBeLessThan(60_000);
    }
  }
}, 120_000);
