/** What comes back from servers: secrets in it are masked, counted and told, and nothing else of it changes. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { auditRecords } from '../support/audit.ts';
import { measured } from '../support/measured.ts';
import { writePolicy } from '../support/policy-house.ts';
import { makeDirectory, startRea } from '../support/rea-process.ts';
import { fixture, realServer, registry } from '../support/servers.ts';
import { SOAKS } from '../support/soak.ts';
import { tidy } from '../support/tidy.ts';
import { of } from '../support/token-samples.ts';
import { until } from '../support/wait-for.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterEach(tidy);

const TOKEN = `ghp_${of(36)}`;
const KEY = 'Zq7x9Kd0vPw3';
const ENV = {
  SERVICE_KEY: KEY,
  DB_HOST: 'db.example.com',
  DB_NAME: 'production',
  LLM: 'gpt-4o-mini',
};

const textOf = (raw: string): string => JSON.parse(raw).result.content[0].text;

test('secrets in a result are masked and counted; plain settings stay, and the bytes of a result without any', async () => {
  const cwd = makeDirectory();
  const config = registry({ echo: { ...fixture('echo'), env: ENV } });
  const { rea, until: counted } = await measured({ cwd, config });
  await rea.waitForPhase('echo', 'ready');
  const settings = Object.values(ENV).filter((value) => value !== KEY);
  const plain = `${settings.join(' ')} password = hunter2\n`;
  const { raw: whole } = await rea.call('echo__echo', { text: plain });
  expect(textOf(whole)).toBe(plain);
  expect(whole).not.toContain('_meta');

  const { raw } = await rea.call('echo__echo', { text: `a ${TOKEN}\n${KEY}, ${KEY} é` });
  expect(textOf(raw)).toBe('a [REDACTED:github-token]\n[REDACTED:secret], [REDACTED:secret] é');
  expect(JSON.parse(raw).result._meta).toEqual({
    'rea/redacted': { 'github-token': 1, secret: 2 },
  });
  await counted('what was masked', (now) => {
    const of = (kind: string) => now.value('rea_redacted_total', { server: 'echo', kind });
    return of('secret') === 2 && of('github-token') === 1 && of('jwt') === 0;
  });
  await until(
    () =>
      auditRecords(cwd).some(
        ({ metadata, redacted_fields }) =>
          metadata.event === 'end' &&
          JSON.stringify(redacted_fields) === '["github-token ×1","secret ×2"]',
      ),
    { what: 'the record' },
  );
  // It left with both among its arguments, and the log says so without them.
  await rea.waitForLog('a call was sent with a secret among its arguments');
  expect(rea.stderr).not.toContain(TOKEN);
  expect(rea.stderr).not.toContain(KEY);
});

test('the policy decides: warn, off and mask hold at once, and a milder word is told', async () => {
  const cwd = makeDirectory();
  const rea = await startRea({ cwd, config: registry({ echo: { ...fixture('echo'), env: ENV } }) });
  await rea.waitForPhase('echo', 'ready');
  const said = async () => {
    const { raw } = await rea.call('echo__echo', { text: KEY });
    return raw.includes('rea/error') ? 'denied' : textOf(raw);
  };
  expect(await said()).toBe('[REDACTED:secret]');
  writePolicy(cwd, 'redact: {results: warn}\n');
  await until(async () => (await said()) === KEY, { what: 'warn to hold' });
  await rea.waitForLog('redact.results mask -> warn');
  writePolicy(cwd, 'redact: {results: mask, arguments: deny}\n');
  await until(async () => (await said()) === 'denied', { what: 'deny to hold' });
  const { failure, text } = await rea.call('echo__echo', { text: KEY });
  expect(failure).toMatchObject({
    code: 'ERR_DENIED_SECRET',
    outcome: 'not_sent',
    retryable: false,
  });
  expect(text).toContain('arguments.text');
  expect(text).not.toContain(KEY);
});

test('what was read with a mask in it is not written back over the secret', async () => {
  const cwd = makeDirectory();
  const files = makeDirectory();
  const file = join(files, 'settings.ini');
  const before = `name = x\ntoken = ${TOKEN}\nport = 80\n`;
  writeFileSync(file, before);
  const rea = await startRea({
    cwd,
    config: registry({ files: realServer('filesystem', files), sink: fixture('echo') }),
  });
  await rea.waitForPhase('files', 'ready');
  const read = await rea.call('files__read_text_file', { path: file });
  const seen = textOf(read.raw);
  expect(seen).toBe(before.replace(TOKEN, '[REDACTED:github-token]'));
  // The same text stands in its structured content.
  expect(read.raw).not.toContain(TOKEN);
  const edited = seen.replace('80', '81');
  const written = await rea.call('files__write_file', { path: file, content: edited });
  expect(written.failure).toMatchObject({
    code: 'ERR_DENIED_MASK',
    outcome: 'not_sent',
    retryable: false,
  });
  expect(written.text).toContain('arguments.content');
  expect(readFileSync(file, 'utf8')).toBe(before);
  const edits = [{ oldText: 'port = 80', newText: 'port = 81' }];
  expect((await rea.call('files__edit_file', { path: file, edits })).failure).toBeNull();
  expect(readFileSync(file, 'utf8')).toBe(before.replace('80', '81'));
  // What only reads may name it.
  const search = await rea.call('files__search_files', { path: files, pattern: '[REDACTED:x]' });
  expect(search.failure).toBeNull();
});

test('a result over its size is cut, or told when it cannot be; the next call is served', async () => {
  const cwd = makeDirectory();
  const echo = { ...fixture('echo'), max_result_bytes: 2048 };
  const all = { ...realServer('everything'), max_result_bytes: 2048 };
  const rea = await startRea({ cwd, config: registry({ echo, all }) });
  await rea.waitForPhase('echo', 'ready');
  await rea.waitForPhase('all', 'ready');
  const { raw } = await rea.call('echo__echo', { text: 'é'.repeat(5000) });
  const { content, _meta } = JSON.parse(raw).result;
  expect(content[0].text).toMatch(/^é{900,}$/);
  expect(_meta['rea/truncated'].bytes).toBe(10_000 - Buffer.byteLength(content[0].text));
  const image = await rea.call('all__get-tiny-image', {});
  expect(image.failure).toMatchObject({ code: 'ERR_RESULT_TOO_LARGE', outcome: 'answered' });
  expect(image.text).toContain('max_result_bytes');
  const { raw: next } = await rea.call('all__echo', { message: 'x' });
  expect(textOf(next)).toBe('Echo: x');
});

test('source files that are read and written back are the same, or are not written', async () => {
  const cwd = makeDirectory();
  const files = makeDirectory();
  const from = new URL(
    SOAKS ? '../../node_modules/' : '../../node_modules/zod/v4/',
    import.meta.url,
  );
  const all = readdirSync(from, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:ts|js|cjs|mjs|md|json)$/.test(name))
    .filter((name) => statSync(new URL(name, from)).isFile());
  const count = SOAKS ? 1000 : 60;
  // Of all packages alike.
  const sources = all.filter((_, at) => at % Math.ceil(all.length / count) === 0);
  const rea = await startRea({ cwd, config: registry({ files: realServer('filesystem', files) }) });
  await rea.waitForPhase('files', 'ready');
  for (const [at, name] of sources.entries()) {
    const text = readFileSync(new URL(name, from), 'utf8');
    const path = join(files, `${at}.txt`);
    const with_ = at % 3 === 0 ? `${text}\n// ${TOKEN}\n` : text;
    writeFileSync(path, with_);
    const content = textOf((await rea.call('files__read_text_file', { path })).raw);
    const written = await rea.call('files__write_file', { path, content });
    expect(written.failure?.code ?? null, name).toBe(at % 3 === 0 ? 'ERR_DENIED_MASK' : null);
    expect(readFileSync(path, 'utf8'), name).toBe(with_);
  }
});
