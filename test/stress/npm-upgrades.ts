/**
 * Upgrades of servers from npm, as a person sees them: rea pins what the older version tells, and is started again with
 * the newer one. Under the default rules nothing may be withheld. `node test/stress/npm-upgrades.ts [name…]`; needs
 * the registry, and installs without scripts. Exits 1 when something was withheld, or fewer than 20 pairs could be compared.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StateSnapshot } from '#src/shared/model/snapshot.ts';
import { makeDirectory, startRea, takeDirectories } from '../support/rea-process.ts';
import { conclude } from '../support/stress.ts';
import { until } from '../support/wait-for.ts';

/** Versions with one between them are too alike: the older one is so many before the newest. */
const APART = 10;
const ENOUGH = 20;
const START_MS = 60_000;
const JUDGED_MS = 8_000;

interface Package {
  readonly name: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const KEY = 'a-key-that-nobody-has-given-out';
const PACKAGES: readonly Package[] = [
  { name: '@modelcontextprotocol/server-everything' },
  { name: '@modelcontextprotocol/server-filesystem', args: ['.'] },
  { name: '@modelcontextprotocol/server-memory' },
  { name: '@modelcontextprotocol/server-sequential-thinking' },
  { name: '@modelcontextprotocol/server-github', env: { GITHUB_PERSONAL_ACCESS_TOKEN: KEY } },
  { name: '@modelcontextprotocol/server-gitlab', env: { GITLAB_PERSONAL_ACCESS_TOKEN: KEY } },
  { name: '@modelcontextprotocol/server-google-maps', env: { GOOGLE_MAPS_API_KEY: KEY } },
  {
    name: '@modelcontextprotocol/server-slack',
    env: { SLACK_BOT_TOKEN: KEY, SLACK_TEAM_ID: 'T1' },
  },
  { name: '@modelcontextprotocol/server-brave-search', env: { BRAVE_API_KEY: KEY } },
  { name: '@modelcontextprotocol/server-puppeteer' },
  { name: '@modelcontextprotocol/server-postgres', args: ['postgresql://localhost/none'] },
  { name: '@playwright/mcp' },
  { name: '@executeautomation/playwright-mcp-server' },
  { name: 'chrome-devtools-mcp' },
  { name: 'firecrawl-mcp', env: { FIRECRAWL_API_KEY: KEY } },
  { name: 'tavily-mcp', env: { TAVILY_API_KEY: KEY } },
  { name: 'mongodb-mcp-server' },
  { name: 'mcp-server-kubernetes' },
  { name: '@wonderwhy-er/desktop-commander' },
  { name: '@notionhq/notion-mcp-server', env: { NOTION_TOKEN: KEY } },
  { name: '@hubspot/mcp-server', env: { PRIVATE_APP_ACCESS_TOKEN: KEY } },
  { name: '@antv/mcp-server-chart' },
  { name: '@circleci/mcp-server-circleci', env: { CIRCLECI_TOKEN: KEY } },
  { name: '@kazuph/mcp-taskmanager' },
  { name: '@shopify/dev-mcp' },
  {
    name: '@elastic/mcp-server-elasticsearch',
    env: { ES_URL: 'http://localhost:9', ES_API_KEY: KEY },
  },
  { name: '@upstash/context7-mcp' },
  { name: 'figma-developer-mcp', args: ['--stdio'], env: { FIGMA_API_KEY: KEY } },
  { name: 'mcp-server-code-runner' },
  { name: '@supabase/mcp-server-supabase', args: ['--access-token', KEY] },
];

/** Runs the program of the package that lies beside it, whichever version that is. */
const START = `import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
const [name, ...args] = process.argv.slice(2);
const root = new URL('./node_modules/' + name + '/', import.meta.url);
const { bin } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
const file = new URL(typeof bin === 'string' ? bin : Object.values(bin)[0], root);
process.argv = [process.argv[0], file.pathname, ...args];
await import(pathToFileURL(file.pathname).href);
`;

interface Told {
  readonly tools: number;
  readonly withheld: number;
  readonly changed: number;
}

type Row = Readonly<Record<string, string | number>>;

const wanted = process.argv.slice(2);
const rows: Row[] = [];
let compared = 0;
let withheld = 0;
for (const one of PACKAGES.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const row = await upgrade(one);
  process.stderr.write(`${Object.values(row).join('  ')}\n`);
  rows.push(row);
}
for (const dir of takeDirectories()) rmSync(dir, { recursive: true, force: true });
conclude('upgrades of servers', rows, withheld === 0 && (wanted.length > 0 || compared >= ENOUGH));

async function upgrade(one: Package): Promise<Row> {
  const [older, newer] = versionsOf(one.name);
  const row = { package: one.name, from: older ?? '-', to: newer ?? '-' };
  const failed = (why: string) => ({ ...row, tools: '-', changed: '-', withheld: '-', note: why });
  if (older === undefined || newer === undefined) return failed('one version only');
  const project = makeDirectory();
  const files = mkdtempSync(join(tmpdir(), 'rea-upgrade-'));
  try {
    writeFileSync(join(files, 'start.mjs'), START);
    const told: Told[] = [];
    for (const version of [older, newer]) {
      if (!install(files, `${one.name}@${version}`))
        return failed(`${version} cannot be installed`);
      const now = await tellsOf(project, files, one);
      if (now === null) return failed(`${version} does not start`);
      told.push(now);
    }
    const [before, after] = told as [Told, Told];
    compared += 1;
    withheld += after.withheld;
    const tools = `${before.tools} → ${after.tools}`;
    return { ...row, tools, changed: after.changed, withheld: after.withheld, note: '' };
  } finally {
    rmSync(files, { recursive: true, force: true });
  }
}

/** What a new gateway lists of the server, and what it says of its definitions. */
async function tellsOf(project: string, files: string, one: Package): Promise<Told | null> {
  const { name, args = [], env = {} } = one;
  const command = [join(files, 'start.mjs'), name, ...args];
  const server = { name: 'one', command: process.execPath, args: command, env };
  const defaults = { start_timeout_ms: START_MS, list_wait_ms: START_MS };
  const rea = await startRea({
    cwd: project,
    config: { version: '1', defaults, servers: [server] },
  });
  try {
    const isThere = await rea
      .waitForServer('one', ({ phase, tools_count }) => phase === 'ready' && tools_count !== null, {
        what: 'serving',
        limitMs: START_MS,
      })
      .catch(() => null);
    if (isThere === null) return null;
    // What is told anew is judged by then: the state is written again when it is.
    const { updated_at: at } = rea.state() as StateSnapshot;
    const later = (state: StateSnapshot) =>
      Date.parse(state.updated_at) > Date.parse(at) + JUDGED_MS;
    await rea.waitForState((state) => later(state), { what: 'the state some seconds later' });
    const tools = (await rea.tools()).filter(({ name: tool }) => tool.startsWith('one__'));
    const definitions = await until(() => rea.state()?.definitions ?? null, { what: 'the state' });
    const changed = definitions.changed.reduce((sum, { count }) => sum + count, 0);
    const held = definitions.withheld.length + definitions.more;
    for (const { name: held, why } of definitions.withheld) {
      process.stderr.write(`  withheld: ${held}: ${why}\n`);
    }
    return { tools: tools.length, withheld: held, changed };
  } finally {
    await rea.stop();
  }
}

/** The older and the newest release. */
function versionsOf(name: string): string[] {
  const text = execFileSync('npm', ['view', name, 'versions', '--json'], { encoding: 'utf8' });
  const parsed: unknown = JSON.parse(text);
  const all = Array.isArray(parsed) ? parsed.map(String) : [];
  const releases = all.filter((version) => /^\d+\.\d+\.\d+$/.test(version));
  if (releases.length < 2) return [];
  return [releases.at(-Math.min(APART, releases.length)) ?? '', releases.at(-1) ?? ''];
}

function install(files: string, what: string): boolean {
  rmSync(join(files, 'node_modules'), { recursive: true, force: true });
  for (const file of ['package.json', 'package-lock.json'])
    rmSync(join(files, file), { force: true });
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  try {
    execFileSync('npm', ['install', '--prefix', files, ...flags, what], { stdio: 'ignore' });
  } catch {
    return false;
  }
  return existsSync(join(files, 'node_modules'));
}
