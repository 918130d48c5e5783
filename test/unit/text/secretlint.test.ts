/** Compared with another finder of secrets: what it finds is found, and source code of others raises no alarm. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lintSource } from '@secretlint/core';
import { creator } from '@secretlint/secretlint-rule-preset-recommend';
import { expect, test } from 'vitest';
import { scanFrame } from '#src/shared/json/frame.ts';
import { DEFAULT_REDACT } from '#src/shared/model/policy.ts';
import { Redactor } from '#src/shared/text/redact.ts';
import { Results } from '#src/workers/supervisor/results/results.ts';
import { SecretsInText } from '#src/workers/supervisor/results/secrets-in-text.ts';
import { of, TOKEN_SAMPLES } from '../../support/token-samples.ts';

const PRESET = '@secretlint/secretlint-rule-preset-recommend';
const config = { rules: [{ id: PRESET, rule: creator }] };
/** Known by the words around them: hidden in the log, and not in results. */
const BY_CONTEXT = /basicauth|database-connection|rule-aws$/;

const pem = (kind: string) =>
  `-----BEGIN ${kind}PRIVATE KEY-----\n${`${of(64)}\n`.repeat(8)}-----END ${kind}PRIVATE KEY-----`;

const SECRETS: readonly string[] = [
  ...TOKEN_SAMPLES.map(([, token]) => token),
  ...['ghp', 'gho', 'ghu', 'ghs', 'ghr'].map((kind) => `${kind}_${of(20)}_${of(15)}`),
  `github_pat_${of(22)}_${of(59)}`,
  ...['xoxb', 'xoxp', 'xoxa', 'xoxo', 'xoxr', 'xapp'].map((kind) => `${kind}-1-A012-${of(30)}`),
  `https://hooks.slack.com/services/T0123456A/B0123456B/${of(24)}`,
  `npm_${of(20)}_${of(15)}`,
  `//registry.npmjs.org/:_authToken=${of(36)}`,
  `sk-${of(20)}T3BlbkFJ${of(20)}`,
  `sk-proj-${of(62)}${of(12)}T3BlbkFJ${of(62)}${of(12)}`,
  `sk-ant-api03-${of(93)}AA`,
  `lin_api_${of(40)}`,
  ...['shppa', 'shpca', 'shpat', 'shpss'].map((kind) => `${kind}_${of(32)}`),
  `SG.${of(22)}.${of(43)}`,
  ...['', 'RSA ', 'EC ', 'DSA ', 'OPENSSH '].map(pem),
  JSON.stringify({ type: 'service_account', private_key: pem('') }),
  `AWS_SECRET_ACCESS_KEY=${of(40)}`,
  `aws_secret_access_key = "${of(40)}"`,
  `https://user:pa55word@example.com/path`,
  `mongodb+srv://app:pa55word@cluster0.example.com/db`,
  `mysql://app:pa55word@db.example.com:3306/shop`,
  `postgresql://app:pa55word@db.example.com:5432/shop`,
];
const CONTEXTS: readonly ((secret: string) => string)[] = [
  (secret) => secret,
  (secret) => `use ${secret} for it\n`,
  (secret) => `KEY="${secret}"\nNEXT=1`,
  (secret) => `{"key": ${JSON.stringify(secret)}}`,
  (secret) => `a: 1\ntoken: ${secret}\n`,
];

function masked(text: string): string {
  const secrets = new SecretsInText([]);
  const results = new Results({
    rules: () => DEFAULT_REDACT,
    injection: () => 'off',
    secrets: () => secrets,
    maxBytes: () => 1 << 28,
  });
  const message = { jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text }] } };
  const frame = scanFrame(Buffer.from(JSON.stringify(message)));
  if ('error' in frame) throw new Error(`refused (${frame.error})`);
  const passed = results.take(frame);
  if ('why' in passed) throw new Error(passed.why);
  if (passed.frame === frame) return text;
  return JSON.parse(Buffer.from(passed.frame.line).toString()).result.content[0].text;
}

async function foundByOther(content: string) {
  const source = { filePath: '/a.txt', ext: '.txt', contentType: 'text', content } as const;
  const { messages } = await lintSource({ source, options: { config } });
  return messages.map(({ range, ruleId }) => ({ ruleId, found: content.slice(...range) }));
}

test('what it finds is found: in the log all of it, in results whatever is known by its own shape', async () => {
  const redactor = new Redactor({});
  const missed: string[] = [];
  const rules = new Set<string>();
  for (const secret of SECRETS) {
    for (const context of CONTEXTS) {
      const text = context(secret);
      for (const { ruleId, found } of await foundByOther(text)) {
        rules.add(ruleId);
        if (redactor.redact(text).includes(found)) missed.push(`log, ${ruleId}: ${text}`);
        const isToken = !BY_CONTEXT.test(ruleId) && !/_authToken|hooks\.slack/.test(text);
        if (isToken && masked(text).includes(found)) missed.push(`result, ${ruleId}: ${text}`);
      }
    }
  }
  expect(missed).toEqual([]);
  // The corpus is one: nearly all of its rules have found something.
  expect(rules.size).toBeGreaterThanOrEqual(11);
});

/** Source files of others. */
function sources(count: number): string[] {
  const found: string[] = [];
  const walk = (directory: string) => {
    for (const { name } of readdirSync(directory, { withFileTypes: true }).toSorted((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      if (found.length >= count || name.startsWith('.') || name === '@secretlint') continue;
      const path = join(directory, name);
      const stats = statSync(path, { throwIfNoEntry: false });
      if (stats?.isDirectory() === true) walk(path);
      else if (/\.(?:[cm]?[jt]s|json|md)$/.test(name) && (stats?.size ?? 0) < 300_000)
        found.push(path);
    }
  };
  walk(fileURLToPath(new URL('../../../node_modules', import.meta.url)));
  return found;
}

test('of a thousand source files each is passed on as it is, but for an example of a token that the other finds too', async () => {
  const files = sources(1000);
  expect(files.length).toBe(1000);
  const changed = files.filter((file) => {
    const text = readFileSync(file, 'utf8');
    return masked(text) !== text;
  });
  expect(changed.length).toBeLessThan(5);
  const alarms: string[] = [];
  for (const file of changed) {
    if ((await foundByOther(readFileSync(file, 'utf8'))).length === 0) alarms.push(file);
  }
  expect(alarms).toEqual([]);
});
