import { describe, expect, test } from 'vitest';
import { secretsOf } from '#src/shared/secrets/secrets-of.ts';

const RANDOM = 'Zq7x9Kd0vPw3Lm5Rt8Bn';

type Source = Parameters<typeof secretsOf>[0];
const NONE: Source = {
  name: 'server',
  prefix: 'server',
  args: [],
  env: {},
  envPassthrough: [],
  endpoint: null,
  expanded: [],
};
const of = (changes: Partial<Source>, env = {}) => secretsOf({ ...NONE, ...changes }, env);
const web = (changes: object) =>
  of({
    endpoint: {
      url: 'https://example.com/mcp',
      headers: {},
      tokenFile: null,
      oauth: null,
      ...changes,
    },
  });

describe('secrets are', () => {
  test('what is set, handed on and put in for variables', () => {
    expect(
      of(
        {
          env: { ANY: 'swordfish', OTHER: 'correct horse' },
          envPassthrough: ['HANDED', 'ABSENT'],
          expanded: [{ name: 'PUT_IN', value: RANDOM }],
        },
        { HANDED: 'barracuda', NOT_HANDED: 'not-for-servers' },
      ),
    ).toEqual(['swordfish', 'correct horse', 'barracuda', RANDOM]);
  });

  test.each([
    [['--token', 'swordfish'], ['swordfish']],
    [['--api-key', 'sword fish', 'x'], ['sword fish']],
    [['-apiKey', 'swordfish'], ['swordfish']],
    [['--GITHUB_TOKEN=swordfish'], ['swordfish']],
    [['--db.password=a b;c,d'], ['a b;c,d']],
    [['-Secret=swordfish'], ['swordfish']],
    [['--my-credentials', '-begins-with-9'], ['-begins-with-9']],
    [['API_KEY=swordfish'], ['swordfish']],
    [['-e', 'API_KEY=swordfish', 'image'], ['swordfish']],
    [['--env=API_KEY=swordfish'], ['swordfish']],
    [
      ['--header', 'Authorization: Bearer swordfish'],
      ['Bearer swordfish', 'swordfish'],
    ],
    [['--header=X-Api-Key:swordfish'], ['swordfish']],
    [
      ['-c', 'FOO_TOKEN=swordfish exec run --password barracuda'],
      ['swordfish', 'barracuda'],
    ],
    [['{"apiKey": "swordfish", "mode": "some-mode"}'], ['swordfish']],
    [['host=db user=me password=swordfish'], ['swordfish']],
    [['Server=db;Password=swordfish;'], ['swordfish']],
    [['postgres://me:sw%40rdfish@db/app'], ['sw%40rdfish', 'sw@rdfish']],
    [[`https://example.com/x?key=swordfish&q=${RANDOM}&mode=fast-mode`], ['swordfish', RANDOM]],
    [[`https://example.com/s/${RANDOM}/mcp`], [RANDOM]],
    [[`https://${RANDOM}@example.com/x.git`], [RANDOM]],
  ])('in arguments: %j', (args, expected) => {
    const found = of({ args });
    for (const secret of expected) expect(found).toContain(secret);
    for (const secret of found)
      expect(args.join(' ')).toContain(secret === 'sw@rdfish' ? '' : secret);
  });

  test('parts of values, which are printed alone', () => {
    expect(of({ env: { DATABASE_URL: 'postgres://me:sword%2Ffish@db/app' } })).toEqual([
      'postgres://me:sword%2Ffish@db/app',
      'sword%2Ffish',
      'sword/fish',
    ]);
    const basic = Buffer.from('me:swordfish').toString('base64');
    expect(of({ env: { AUTH_HEADER: `Basic ${basic}` } })).toContain('swordfish');
    expect(of({ env: { SETTINGS: '{"a": {"clientSecret": "swordfish"}}' } })).toContain(
      'swordfish',
    );
    expect(of({ env: { DSN: 'Server=db;Pwd=swordfish;' } })).toContain('swordfish');
  });

  test('headers, with and without their scheme, and what stands in the address', () => {
    const headers = {
      Authorization: 'Bearer swordfish',
      'X-Any': 'barracuda',
      Cookie: 'a=1; sid=moray-eel',
    };
    const found = web({ url: `https://example.com/${RANDOM}/mcp?key=tigerfish&mode=1`, headers });
    for (const secret of ['Bearer swordfish', 'swordfish', 'barracuda', 'tigerfish', RANDOM]) {
      expect(found).toContain(secret);
    }
    expect(found).toContain(`/${RANDOM}/mcp?key=tigerfish&mode=1`);
    expect(found).toContain('a=1; sid=moray-eel');
  });

  test('the password of a proxy that every server inherits', () => {
    const env = { HTTPS_PROXY: 'http://me:swordfish@proxy.example.com:3128' };
    expect(of({}, env)).toEqual(['swordfish']);
    expect(of({}, { HTTPS_PROXY: 'http://proxy.example.com:3128' })).toEqual([]);
  });

  test.each([
    'API_TOKEN',
    'key',
    'X-Api-Key',
    'clientSecret',
    'DB_PASSWORD',
    'DB_PASS',
    'db-passwd',
    'PGPASSWORD',
    'MY_PWD',
    'CREDENTIALS',
    'AUTH',
    'GITHUB_PAT',
    'Cookie',
  ])('under the name %s also what would be a setting elsewhere', (name) => {
    for (const value of ['production', 'postgres', '1234567', 'example.com', 'us-east-1']) {
      expect(of({ env: { [name]: value } })).toEqual([value]);
      expect(of({ env: { [`${name}_FILE`]: value } })).toEqual([]);
    }
  });
});

test('large values take no time, whatever they are made of', () => {
  const pieces = [
    'Zq7',
    'a',
    'aB',
    '1',
    '-',
    '--',
    '--a',
    'a=',
    'a="',
    "a='",
    'token=',
    'max',
    'a.',
  ];
  pieces.push(
    ' ',
    ' --token ',
    '://',
    'a://',
    'https://a:b@c/',
    '%',
    '/',
    'a/',
    ',',
    'a,',
    '{"a":',
    '[',
  );
  for (const piece of pieces) {
    const value = piece.repeat(131_072 / piece.length);
    const started = performance.now();
    of({ args: [value, '--token', value], env: { [value.slice(0, 1000)]: value, A: value } });
    // What is not linear would take minutes.
    expect(performance.now() - started, piece).toBeLessThan(60_000);
  }
}, 300_000);

describe('no secret is', () => {
  test.each([
    ['true', 'info', '3000', 'on', '', '      '],
    ['production', 'Development', 'verbose', 'localhost', 'streamable-http', 'headless'],
    ['8080808', '1.5', '-20', '30000ms', '512mb', '95%', '2024-11-05', '1.2.3', 'v20.19.0'],
    ['en_US.UTF-8', 'de-DE', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Etc/GMT+2'],
    ['us-east-1', 'eu-central-1', 'us-gov-west-1', 'europe-west4', 'us-central1-a'],
    [
      '127.0.0.1:8080',
      '10.0.0.0/8',
      '[::1]:3000',
      'localhost:5432',
      'db.internal.example.com:5432',
    ],
    ['/srv/data', '~/.config/app', './data/files', '/usr/bin:/bin', 'C:\\Program Files\\x'],
    ['/home/me/project_2024_frontend', '/var/lib/my-application/releases/20240115'],
    ['http://localhost:3000/api', 'https://api.example.com/v1/users', 'file:///srv/data'],
    ['application/json', 'text/event-stream', 'error,warning', 'tools,prompts,resources'],
    ['--max-old-space-size=4096', '--enable-source-maps --inspect', '@scope/some-server@1.2.3'],
  ])('a setting: %j', (...values) => {
    for (const value of values) expect(of({ env: { SETTING: value } }), value).toEqual([]);
    const expanded = values.map((value) => ({ name: 'SETTING', value }));
    expect(of({ expanded })).toEqual([]);
  });

  test.each([
    ['HOME', '/home/someone'],
    ['USER', 'someone-with-a-name'],
    ['PATH', '/usr/bin:/home/me/.nvm/versions/node/v20.19.0/bin'],
    ['PWD', '/srv/Zq7x9Kd0vPw3Lm5Rt8Bn'],
    ['LC_ALL', 'something-unusual'],
    ['LANG', 'something-unusual'],
    ['TZ', 'something-unusual'],
    ['DISPLAY', 'unix:something-unusual'],
    ['XDG_RUNTIME_DIR', '/run/user/1000'],
    ['HTTPS_PROXY', 'http://proxy.example.com:3128'],
    ['NO_PROXY', 'localhost,.example.com,10.0.0.0/8'],
    ['NODE_ENV', 'something-unusual'],
    ['MAX_TOKENS', '1000000'],
    ['TOKEN_FILE', '/run/secrets/token'],
    ['AUTH_MODE', 'oauth2'],
    ['PASSWORD', 'undefined'],
    ['PASSWORD', 'short'],
    ['AUTHOR', 'localhost'],
    ['AUTHORS', 'localhost'],
  ])('the variable %s=%s', (name, value) => {
    expect(of({ env: { [name]: value } })).toEqual([]);
    expect(of({ envPassthrough: [name] }, { [name]: value })).toEqual([]);
    expect(of({ expanded: [{ name, value }] })).toEqual([]);
  });

  test.each([
    [['-y', '@modelcontextprotocol/server-filesystem', '/srv/swordfish']],
    [['--verbose', '--mode', 'swordfish', 'mode=swordfish', '--port=8080']],
    [
      [
        '--no-token',
        '--verbose-output',
        '--token-file',
        '/run/secrets/x',
        '--max-tokens',
        '409600',
      ],
    ],
    [['https://example.com/mcp', 'postgres://db.example.com/app', 'run', 'swordfish']],
  ])('an argument whose name does not say so: %j', (args) => {
    expect(of({ args })).toEqual([]);
  });

  test('the name of the server itself', () => {
    const env = { A: 'inventory', B: 'stock-keeping' };
    expect(of({ name: 'inventory', prefix: 'stock-keeping', env })).toEqual([]);
  });
});
