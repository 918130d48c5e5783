/**
 * Files of clients as people and programs leave them: comments, tabs, CRLF, a BOM, trailing commas, entries in one
 * line beside entries in many. Seeded, so that a failure can be looked at again.
 */
import type { KnownClient } from '#src/main/config/clients/known/client.ts';
import { pick, type Random } from '../config/seeded.ts';

export interface ClientText {
  readonly text: string;
  /** Texts of comments that are neither in a server nor beside one. */
  readonly apart: readonly string[];
}

/** The layout of one file. */
interface Style {
  readonly random: Random;
  readonly eol: string;
  readonly unit: string;
  /** Whether comments and trailing commas are allowed. */
  readonly isLoose: boolean;
  readonly comments: string[];
}

const NAMES = ['files', 'My Server', 'git.hub', 'ünï', 'x', 'play_wright', 'a-b', 'db2'];
const TEXTS = [
  '',
  'x // no comment',
  '{"',
  'é🎉',
  'a\\b',
  '"',
  'two\nlines',
  '${env:X}',
  '[mcp_servers.y]',
];

export function clientText(client: KnownClient, random: Random): ClientText {
  const style: Style = {
    random,
    eol: pick(random, ['\n', '\n', '\r\n']),
    unit: pick(random, ['  ', '    ', '\t']),
    isLoose: random(3) > 0,
    comments: [],
  };
  const [place = ''] = client.places.linux;
  const write = place.endsWith('.toml') ? toml : place.endsWith('.yaml') ? yaml : json;
  const text = write(client, style);
  const bom = random(8) === 0 ? '\uFEFF' : '';
  return { text: bom + text, apart: style.comments };
}

/** A server in the words of the client. */
function server(client: KnownClient, random: Random): Record<string, unknown> {
  const words = {
    command: pick(random, ['npx', 'uvx', '/opt/x y/run']),
    args: ['-y', pick(random, TEXTS)],
  };
  const entry: Record<string, unknown> = { ...client.stdio(words) };
  const key = client.name === 'opencode' ? 'environment' : 'env';
  if (random(2) === 0)
    entry[key] = { API_KEY: `secret-${random(1000)}`, MODE: pick(random, TEXTS) };
  if (random(4) === 0) entry['timeout'] = 1 + random(100);
  return entry;
}

function servers(client: KnownClient, random: Random): [string, Record<string, unknown>][] {
  const count = random(4);
  const from = random(NAMES.length);
  return Array.from({ length: count }, (_none, at) => {
    return [NAMES[(from + at) % NAMES.length] ?? '', server(client, random)];
  });
}

function json(client: KnownClient, style: Style): string {
  const { random, eol } = style;
  if (random(25) === 0) return pick(random, ['', '{}', `{}${eol}`, `{${eol}}${eol}`, '{ }', eol]);
  const list = new Map(servers(client, random));
  const top: [string, () => string][] = [
    ['theme', () => value(pick(random, TEXTS))],
    [
      'nested',
      () =>
        object(
          [
            ['a', () => value([1, { b: null }])],
            ['c', () => value({})],
          ],
          style,
          1,
          true,
        ),
    ],
    ['n', () => value(random(1e6) / 8)],
  ];
  const all = top.slice(0, random(4));
  if (random(10) > 0) {
    const entries = [...list].map(([name, entry]): [string, () => string] => {
      return [name, () => (random(3) === 0 ? value(entry) : block(entry, style, 2))];
    });
    all.splice(random(all.length + 1), 0, [client.list, () => object(entries, style, 1, false)]);
  }
  const head = style.isLoose && random(3) === 0 ? `// ${comment(style, true)}${eol}` : '';
  const tail = pick(random, ['', eol, eol + eol]);
  return `${head}${object(all, style, 0, true)}${tail}`;
}

function block(entry: Record<string, unknown>, style: Style, depth: number): string {
  const text = JSON.stringify(entry, null, style.unit);
  return text.split('\n').join(style.eol + style.unit.repeat(depth));
}

function value(of: unknown): string {
  return JSON.stringify(of);
}

/** @param isApart whether comments in it are counted. */
function object(
  entries: readonly [string, () => string][],
  style: Style,
  depth: number,
  isApart: boolean,
): string {
  const { random, eol, unit, isLoose } = style;
  const indent = unit.repeat(depth + 1);
  if (random(6) === 0) {
    const inner = entries.map(([key, text]) => `${value(key)}:${pick(random, ['', ' '])}${text()}`);
    const trailing = isLoose && inner.length > 0 && random(3) === 0 ? ',' : '';
    const pad = pick(random, ['', ' ']);
    return `{${pad}${inner.join(', ')}${trailing}${pad}}`;
  }
  let text = `{${isLoose && random(8) === 0 ? ` // ${comment(style, isApart)}` : ''}${eol}`;
  for (const [at, [key, written]] of entries.entries()) {
    if (isLoose && random(4) === 0) text += `${indent}// ${comment(style, isApart)}${eol}`;
    if (random(8) === 0) text += eol;
    const isLast = at === entries.length - 1;
    const comma =
      !isLast || (isLoose && random(3) === 0) ? pick(random, [',', ',', isLoose ? ' ,' : ',']) : '';
    const behind = isLoose && random(4) === 0 ? pick(random, [' // C', ' /* C */']) : '';
    text += `${indent}${value(key)}: ${written()}${comma}${behind.replace('C', () => comment(style, isApart))}${eol}`;
  }
  if (isLoose && random(6) === 0) text += `${indent}/* ${comment(style, isApart)} */${eol}`;
  return `${text}${unit.repeat(depth)}}`;
}

function comment({ comments, random }: Style, isApart: boolean): string {
  const text = `note ${comments.length}-${random(1e6)} "it's, {`;
  if (isApart) comments.push(text);
  return text;
}

function toml(client: KnownClient, style: Style): string {
  const { random, eol } = style;
  const lines: string[] = [];
  const note = () => {
    if (random(3) === 0) lines.push(`# ${comment(style, true)}`);
  };
  note();
  lines.push('model = "x" # why', 'list = [', '  "[mcp_servers.no]",', ']');
  if (random(3) === 0) lines.push("text = '''", '[a.b]', "'''");
  for (const [name, { command, args, env, timeout }] of servers(client, random)) {
    if (random(2) === 0) lines.push('');
    const key = /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
    lines.push(`[mcp_servers.${key}]`, `command = ${value(command)}`);
    if (random(4) === 0) lines.push(`# ${comment(style, false)}`);
    lines.push(`args = [${(args as string[]).map(value).join(', ')}]`);
    if (timeout !== undefined) lines.push(`tool_timeout_sec = ${value(timeout)}`);
    if (env === undefined) continue;
    const pairs = Object.entries(env as object).map(([one, text]) => `${one} = ${value(text)}`);
    if (random(2) === 0) lines.push(`env = { ${pairs.join(', ')} }`);
    else lines.push('', `[mcp_servers.${key}.env]`, ...pairs);
  }
  if (random(2) === 0) {
    lines.push('');
    note();
    lines.push('[tui]', '\tcolor = 1979-05-27', 'n = [1,', '2]');
  }
  return lines.join(eol) + pick(random, ['', eol, eol + eol]);
}

function yaml(client: KnownClient, style: Style): string {
  const { random, eol } = style;
  const lines: string[] = [];
  const note = (indent = '') => {
    if (random(3) === 0) lines.push(`${indent}# ${comment(style, true)}`);
  };
  note();
  lines.push(
    'name: mine # why',
    'version: "1.0"',
    '',
    'models:',
    '  - name: a',
    '    roles: [chat, edit]',
  );
  const list = servers(client, random).map(([name, entry]) => ({ ...entry, name }));
  const after = random(2) === 0;
  if (after) lines.push('rules:', '  - |', '    be short', '    # no comment');
  if (list.length > 0) {
    const indent = pick(random, ['', '  ', '    ']);
    lines.push('mcpServers:');
    for (const { name, ...entry } of list) {
      lines.push(`${indent}- name: ${value(name)}`);
      for (const [key, of] of Object.entries(entry)) lines.push(`${indent}  ${key}: ${value(of)}`);
    }
  } else if (random(3) === 0) lines.push('mcpServers: []');
  if (random(2) === 0) {
    note();
    lines.push("docs: ['x']", 'last:', '  - a');
  }
  return lines.join(eol) + pick(random, ['', eol]);
}
