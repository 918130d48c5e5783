/**
 * What masking costs in a supervisor's thread, beside `JSON.parse` of the same bytes: `node bench/masking.ts`
 * (Node 22.18 or newer). With `--evil N` also N patterns that engines of the usual kind never end on, or take much memory for.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { scanFrame } from '#src/shared/json/frame.ts';
import { DEFAULT_REDACT, type RedactRules } from '#src/shared/model/policy.ts';
import { OperatorPatterns } from '#src/shared/platform/operator-patterns.ts';
import { patternFault } from '#src/shared/platform/pattern-fault.ts';
import { Results } from '#src/workers/supervisor/results/results.ts';
import { SecretsInText } from '#src/workers/supervisor/results/secrets-in-text.ts';

const MIB = 1024 * 1024;
const WARM = 20;
const ENOUGH_US = 600_000;

/** Source code and prose, ASCII and not. */
function source(): string {
  const root = new URL('../', import.meta.url);
  const files = ['docs', 'src']
    .flatMap((dir) =>
      readdirSync(new URL(dir, root), { recursive: true, encoding: 'utf8' }).map(
        (name) => `${dir}/${name}`,
      ),
    )
    .filter((name) => /\.(?:md|ts)$/.test(name));
  return files
    .map((name) => readFileSync(new URL(name, root), 'utf8'))
    .join('\n')
    .repeat(3);
}

const text = source();
const TEXTS = {
  'source code': text.slice(0, MIB),
  ascii: text.replaceAll(/[^\t\n -~]/g, '').slice(0, MIB),
  'JSON in text': JSON.stringify({ text }).slice(0, MIB),
  base64: Buffer.from(text).toString('base64').slice(0, MIB),
  '1 KiB of source code': text.slice(5000, 6024),
};
const values = Array.from({ length: 20 }, (_, at) => `Zq7x9Kd0vPw3Lm5Rt${at * 7919}`);
const patterns = Array.from({ length: 50 }, (_, at) => {
  return {
    name: `p${at}`,
    regex: `\\b(?:key|token)${at}[-_][A-Za-z0-9]{16,40}\\b`,
    flags: 'i',
    at: '',
  };
});

function results(rules: Partial<RedactRules>): Results {
  const secrets = new SecretsInText(values);
  return new Results({
    rules: () => ({ ...DEFAULT_REDACT, ...rules }),
    injection: () => 'warn',
    secrets: () => secrets,
    maxBytes: () => 32 * MIB,
  });
}

/** Processor time of one run, milliseconds, on average once it is warm: others share the machine. */
function cost(work: () => void): number {
  for (let run = 0; run < WARM; run++) work();
  const from = process.cpuUsage();
  let times = 0;
  for (let used = 0; used < ENOUGH_US; times++) {
    work();
    const { user, system } = process.cpuUsage(from);
    used = user + system;
  }
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1000 / times;
}

const builtIn = results({});
const withPatterns = results({ patterns });
for (const [name, of] of Object.entries(TEXTS)) {
  const message = { jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text: of }] } };
  const line = Buffer.from(JSON.stringify(message));
  const frame = scanFrame(line);
  if ('error' in frame) throw new Error('no frame');
  const parse = cost(() => JSON.parse(line.toString()));
  const builtIns = cost(() => builtIn.take(frame));
  const all = cost(() => withPatterns.take(frame));
  const round = (ms: number) => Number(ms.toFixed(3));
  console.log(
    JSON.stringify({
      text: name,
      'JSON.parse ms': round(parse),
      'built-ins ms': round(builtIns),
      'x parse': Number((builtIns / parse).toFixed(1)),
      '50 patterns more, x parse': Number(((all - builtIns) / parse).toFixed(1)),
    }),
  );
}

/** Always the same ones. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function evil(next: (below: number) => number): string {
  const pick = (all: readonly string[]) => all[next(all.length)] ?? '';
  const atoms = [
    'a',
    '.',
    '[a-z]',
    '[^x]',
    '\\s',
    '(a|aa)',
    '(a|b|ab)',
    '[0-9]',
    '(?:a|a?)',
    '\\w',
  ];
  const repeats = ['*', '+', '?', '{2,20}', '{10}', '{0,50}', '+?', '*?', '{3,}'];
  let regex = pick(atoms);
  for (let depth = 1 + next(3); depth > 0; depth--) {
    regex = `(?:${regex}${pick(repeats)}${next(2) === 0 ? '' : pick(atoms)})${pick(repeats)}`;
  }
  return `${next(3) === 0 ? '^' : ''}${regex}${pick(['$', 'b$', 'x', ''])}`;
}

const count = Number(process.argv[process.argv.indexOf('--evil') + 1] || 0);
if (process.argv.includes('--evil')) {
  const next = random(7);
  const texts = ['a'.repeat(5000), 'ab '.repeat(1666), `${'aaaa1 '.repeat(800)}!`];
  let refused = 0;
  const slow: object[] = [];
  for (let at = 0; at < count; at++) {
    const regex = evil(next);
    if (patternFault({ regex, flags: '' }, () => performance.now()) !== null) {
      refused += 1;
      continue;
    }
    const one = new OperatorPatterns([{ name: 'evil', regex, flags: '' }]);
    const worst = Math.max(...texts.map((probe) => quickestOfTwo(() => one.find(probe))));
    if (worst > 50) slow.push({ regex, ms: Math.round(worst) });
    one.close();
  }
  console.log(JSON.stringify({ evil: count, refused, 'over 50 ms on 5 KB': slow }));
}

function quickestOfTwo(work: () => void): number {
  const once = () => {
    const from = performance.now();
    work();
    return performance.now() - from;
  };
  return Math.min(once(), once());
}
