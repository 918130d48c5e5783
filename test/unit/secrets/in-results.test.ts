/** Which configured values are masked in results: secrets beyond doubt, and never a plain setting. */
import { describe, expect, test } from 'vitest';
import { scanFrame } from '#src/shared/json/frame.ts';
import { DEFAULT_REDACT } from '#src/shared/model/policy.ts';
import { secretsInResults } from '#src/shared/secrets/in-results.ts';
import { Results } from '#src/workers/supervisor/results/results.ts';
import { SecretsInText } from '#src/workers/supervisor/results/secrets-in-text.ts';
import { FORMS } from '../../support/secret-forms.ts';

type Source = Parameters<typeof secretsInResults>[0];
const NONE: Source = { args: [], env: {}, envPassthrough: [], endpoint: null, expanded: [] };
const of = (changes: Partial<Source>, env = {}) => secretsInResults({ ...NONE, ...changes }, env);
const RANDOM = 'Zq7x9Kd0vPw3Lm5Rt8Bn';

/** Settings that a model works with, by the names of their variables. */
const SETTINGS: Readonly<Record<string, readonly string[]>> = {
  'DB_NAME DATABASE PGDATABASE MYSQL_DATABASE NEO4J_DATABASE SNOWFLAKE_SCHEMA KEYSPACE TABLE_NAME':
    'production analytics customer_orders app_db warehouse-2024 orders2023archive postgres'.split(
      ' ',
    ),
  'DB_USER USERNAME PGUSER JIRA_EMAIL GIT_AUTHOR_NAME ACCOUNT OWNER SERVICE_ACCOUNT LOGIN':
    'admin postgres service-account-42 jane.doe@example.com robot1234567890 readonly_user'.split(
      ' ',
    ),
  'DB_HOST HOST REDIS_HOST SERVER DOMAIN AUTH0_DOMAIN API_HOST PROXY_HOST ELASTIC_ADDRESS ENDPOINT':
    'db.example.com 10.0.0.12:5432 ep-cool-darkness-123456.us-east-2.aws.neon.tech localhost tenant1234567890.eu.auth0.com abcdefghijklmnopqrst.supabase.co'.split(
      ' ',
    ),
  'AWS_REGION REGION AZURE_LOCATION GCP_ZONE CLUSTER TIMEZONE TZ LANGUAGE':
    'us-east-1 eu-central-1 europe-west4-a ap-southeast-2 westeurope Europe/Berlin en_US.UTF-8'.split(
      ' ',
    ),
  'MODEL LLM OPENAI_MODEL MODEL_NAME EMBEDDING_MODEL TOKENIZER DEPLOYMENT':
    'gpt-4o-mini claude-sonnet-4-20250514 text-embedding-3-large-v20240125 cl100k_base meta-llama/Llama-3.3-70B-Instruct gpt4o20240806mini gemini-2.5-flash-preview-05-20'.split(
      ' ',
    ),
  'ROOT_DIR DATA_PATH WORKSPACE LOG_FILE CERT_PATH KEY_FILE SSH_KEY_PATH TOKEN_FILE HOME_DIR CACHE':
    '/srv/data /home/me/project-2024-12-final ~/notes ./src/index.ts /var/lib/app1234567890abcdef12 C:\\Users\\me\\docs'.split(
      ' ',
    ),
  'PROJECT_ID WORKSPACE_ID TEAM_ID CLIENT_ID AUTH0_CLIENT_ID OAUTH_CLIENT_ID NOTION_DATABASE_ID KEY_ID ORG_ID':
    'my-project-123456 3f2504e0-4f89-11d3-9a0c-0305e82c3301 507f1f77bcf86cd799439011 1b0a2c3d4e5f60718293a4b5c6d7e8f9 123456789012 T01ABCDEF23'.split(
      ' ',
    ),
  'LOG_LEVEL MODE AUTH_MODE AUTH_TYPE TOKEN_TYPE KEYBOARD MONKEY AUTH_PROVIDER AUTH_SCOPES PASSWORD_POLICY SECRET_PROVIDER AUTHOR COOKIE_DOMAIN':
    'debug production streamable-http basic-auth client_credentials read:user keycloak google-oauth2 required aws-secrets-manager'.split(
      ' ',
    ),
  'PASSWORD DB_PASSWORD API_KEY TOKEN SECRET':
    'postgres password changeme secret admin123 root test1234 example true none 12345 your-api-key-here'.split(
      ' ',
    ),
  'AUTH API_TOKEN SERVICE_KEY APP_SECRET':
    '/etc/keys/api-v2.pem https://auth.example.com/login us-east-1 10.0.0.12:5432 application/json db.example.com:443'.split(
      ' ',
    ),
  'MAX_TOKENS TOKEN_LIMIT KEY_LENGTH AUTH_TIMEOUT PORT TIMEOUT_MS RATE_LIMIT TEMPERATURE VERSION TAG':
    '4096 30000 0.7 443 v1.2.3 2024-10-21 20241022 1.0.0-beta.3 latest'.split(' '),
  'BASE_URL API_URL REDIS_URL DATABASE_URL GITLAB_URL SENTRY_URL WEBHOOK_URL':
    'https://api.example.com/v1 http://localhost:8080 redis://cache:6379/0 postgres://postgres:postgres@db/app https://example.com/a/1234567890/b?page=2 sqlite:///data/app.db'.split(
      ' ',
    ),
};

const HARMLESS = Object.entries(SETTINGS).flatMap(([names, values]) =>
  names
    .split(' ')
    .flatMap((name) => [name, `MCP_${name}`, name.toLowerCase()])
    .flatMap((name) => values.map((value): [string, string] => [name, value])),
);

test('of more than a thousand plain settings none is masked, wherever it is set', () => {
  expect(HARMLESS.length).toBeGreaterThan(1000);
  const masked = HARMLESS.filter(
    ([name, value]) =>
      of({ env: { [name]: value } }).length > 0 ||
      of({ envPassthrough: [name] }, { [name]: value }).length > 0 ||
      of({ expanded: [{ name, value }] }).length > 0 ||
      of({ args: [`--${name.toLowerCase().replaceAll('_', '-')}`, value] }).length > 0,
  );
  expect(masked).toEqual([]);
});

describe('secrets beyond doubt are', () => {
  test.each<[string, string]>([
    ['GITHUB_TOKEN', 'abc123def4'],
    ['apiKey', 'k-2024-x1'],
    ['DB_PASSWORD', 'hunter2!x'],
    ['CLIENT_SECRET', '8Q~abcdefgh'],
    ['APIKEY', 'zz99zz99'],
    ['SENTRY_DSN', 'https://0123abc@o1.ingest.sentry.io/12'],
    ['SESSION_COOKIE', 'sid=4711abc'],
    ['AUTH', 'user:pa55word'],
    ['AWS_CREDENTIALS', 'a1b2c3d4e5'],
    ['GITHUB_PAT', 'abcd1234efgh'],
    ['SECRET_KEY_BASE', 'correct horse battery staple'],
    ['ANYTHING', RANDOM],
    ['ANYTHING', '0f1e2d3c4b5a69788796a5b4'],
  ])('%s=%s', (name, value) => {
    expect(of({ env: { [name]: value } })).toContain(value);
    expect(of({ envPassthrough: [name] }, { [name]: value })).toContain(value);
  });

  test.each<[Partial<Source>, string]>([
    [{ args: ['--api-key', 'abc123def4'] }, 'abc123def4'],
    [{ args: ['--token=abc123def4'] }, 'abc123def4'],
    [{ env: { DATABASE_URL: 'postgres://app:Zq7x9Kd0!@db/app' } }, 'Zq7x9Kd0!'],
    [{ env: { CONNECTION: 'Server=db;User=me;Password=Zq7x9Kd0;' } }, 'Zq7x9Kd0'],
    [{ env: { CONFIG: '{"apiKey":"abc123def4","host":"db"}' } }, 'abc123def4'],
    [{ env: { REMOTE: `https://${RANDOM}@example.com/x.git` } }, RANDOM],
    [
      {
        endpoint: {
          url: 'https://example.com/mcp?key=abc123def4',
          headers: { Authorization: 'Bearer xyz789xyz7' },
          tokenFile: null,
          oauth: null,
        },
      },
      'xyz789xyz7',
    ],
    [
      {
        endpoint: {
          url: 'https://example.com/mcp?key=abc123def4',
          headers: { 'X-Org': 'acme' },
          tokenFile: null,
          oauth: null,
        },
      },
      'abc123def4',
    ],
  ])('%j', (source, value) => {
    expect(of(source)).toContain(value);
  });
});

/** Always the same ones. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('two hundred planted secrets: none is seen in a result, in any form', () => {
  const next = random(14);
  const letters = 'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
  const signs = `${letters}!#$%&*+-./:=?@^_~ "\\é`;
  const places = ['API_TOKEN', 'SERVICE_KEY', 'APP_SECRET', 'DB_PASSWORD', 'AUTH', 'ANYTHING'];
  const planted = Array.from({ length: 200 }, (_, at) => {
    const name = places[at % places.length] ?? '';
    const from = name === 'ANYTHING' ? letters : signs;
    const length = name === 'ANYTHING' ? 24 : 10 + next(50);
    const body = Array.from({ length }, () => from[next(from.length)]).join('');
    return { name: `${name}_${at}`.replace(/_\d+$/, ''), value: `q${body}7`, at };
  });
  const values = planted.flatMap(({ name, value }) => of({ env: { [name]: value } }));
  expect(planted.filter(({ value }) => !values.includes(value))).toEqual([]);
  const secrets = new SecretsInText(values);
  const results = new Results({
    rules: () => DEFAULT_REDACT,
    injection: () => 'off',
    secrets: () => secrets,
    maxBytes: () => 1 << 25,
  });
  for (const [form, write] of Object.entries(FORMS)) {
    for (const { value } of planted) {
      const written = write(value);
      const text = `found ${written} here, and ${JSON.stringify({ it: written })}`;
      const message = { jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text }] } };
      const frame = scanFrame(Buffer.from(JSON.stringify(message)));
      if ('error' in frame) throw new Error('refused');
      const passed = results.take(frame);
      if ('why' in passed) throw new Error(passed.why);
      const seen: string = JSON.parse(Buffer.from(passed.frame.line).toString()).result.content[0]
        .text;
      const kept = written.replace(/=+$/, '').slice(2, -3);
      expect(seen.includes(kept), `${form} of ${value}: ${seen}`).toBe(false);
      expect(seen.startsWith('found ') && seen.includes(' here, and ')).toBe(true);
    }
  }
});
