/**
 * Argument sets as agents really send them to the tools of well-known servers. Many mention the gateway's
 * own files, as people do in prose, code, commands and patterns; none of them names one.
 */
import type { Random } from './path-spellings.ts';

const PATHS = [
  '.',
  './',
  '..',
  '/',
  '/tmp',
  '~',
  '~/notes',
  'README.md',
  'src',
  'src/index.ts',
  './src/index.ts',
  '../other/a.ts',
  'docs/a b.md',
  'docs/New Folder/Übersicht (final).md',
  'package.json',
  '.gitignore',
  '.github/workflows/ci.yml',
  '.env.example',
  '.vscode/settings.json',
  '.rearrange/x',
  'area/.real/y',
  'rea',
  'rea/x',
  'src/.reason',
  'docs/rea.md',
  'node_modules/rea-gateway/dist/index.js',
  'C:\\Users\\me\\Documents\\report.docx',
  '\\\\server\\share\\x.txt',
  '/var/log/syslog',
  '/etc/hosts',
  'file:///tmp/a.txt',
  'file:///C:/Users/me/a.txt',
  'a'.repeat(250),
  'new/dir/file.txt',
] as const;

const PROSE = [
  'hello',
  'Hello, world!',
  'yes',
  'main',
  'true',
  'x',
  '',
  ' ',
  'OK.',
  'Where is the configuration of the gateway?',
  'The registry lives in .rea/registry.yaml and is reloaded when it changes.',
  'Edit .rea/registry.yaml, then run rea check.',
  'Please add docs/.rea/registry.yaml to the list of ignored files',
  'Fix the path in ./.rea/registry.yaml before the release',
  'fix: reload of .rea/policy.yaml (#12)',
  '.rea/registry.yaml is reloaded even when nothing has changed',
  'see "/home/me/app/.rea/registry.yaml", line 12',
  'What is 50% + 50%? 100 %!',
  '100%25',
  'a+b=c',
  'Größe: 5 µm — “quoted” … fin',
  '日本語のテキスト',
  '👩‍💻 done',
  'R&D',
  'n/a',
  'and/or',
  'either/or; neither/nor',
  'TODO',
  '3/4',
  '2026-11-23T10:00:00.000Z',
  '12:30',
  '~5 minutes',
  '$5',
  '#42',
  '@me',
  '[x] done',
  'Line one\nLine two about .rea/registry.yaml\n',
  'A\n\n- .rea/\n- state\n',
  'key: value',
  'Note: see .rea/registry.yaml, please',
  'word '.repeat(40).trim(),
  'x'.repeat(1000),
  `${'lorem ipsum '.repeat(300)}`,
] as const;

const CODE = [
  'const file = join(cwd, ".rea", "registry.yaml");',
  "import { load } from './.rea/load.ts'; load();",
  'if (path.includes("/.rea/")) return null;',
  "SELECT * FROM files WHERE path LIKE '%/.rea/%' ORDER BY 1",
  "INSERT INTO notes (path, body) VALUES ('/home/me/.rea/registry.yaml', 'x')",
  'git add -A && git commit -m "x"',
  'cat ./.rea/registry.yaml | head -5',
  'ls -la /home/me/app/.rea/',
  'grep -rn "registry" docs/.rea/ --include=*.yaml',
  'find . -name "*.ts" -not -path "*/.rea/*"',
  'echo $HOME/.local/state/rea; du -sh ~/.local/state/rea/*',
  'docker run -v $PWD/.rea:/x/.rea image',
  '{"path": ".rea/registry.yaml", "n": 1}',
  '{"files":{"a":{"dir":"x/.rea/y"}}}',
  '[".rea/registry.yaml","b"]',
  '<a href="/x/.rea/y">x</a>',
  'version: "1"\nservers:\n  - name: x\n    cwd: /home/me/.rea/\n',
  '# rea\n.rea/\nnode_modules/\n',
  '--- a/.rea/registry.yaml\n+++ b/.rea/registry.yaml\n@@ -1 +1 @@\n-a\n+b\n',
  'body { margin: 0 }',
  'function f() {\n  return "/home/me/.rea/registry.yaml";\n}\n',
  'SELECT 1;',
  'x => x.y',
  'a.b.c',
  'f(x) = x / (1 + x)',
  'document.querySelector("#a > .b")',
  'for f in src/*; do echo "$f"; done',
  '(() => { return document.title })()',
  'MATCH (n:File) RETURN n',
  'db.files.find({path: /\\.rea/})',
] as const;

const PATTERNS = [
  '*',
  '**/*.ts',
  'src/**',
  '!**/.git/**',
  '**/.rea/**',
  '**/node_modules/**',
  '*.{js,ts}',
  '.*',
  '^\\s*$',
  '\\.rea/registry\\.yaml',
  '(?:^|/)\\.rea/',
  '[a-z]+@[a-z]+\\.com',
  '/^foo$/gi',
  'foo|bar',
  'a.*b',
  '\\d{3}-\\d{4}',
  '\\bclass\\b',
  'TODO|FIXME',
  '.eslintrc*',
] as const;

const URLS = [
  'https://example.com',
  'https://example.com/a/b?c=d&e=%2Ff#g',
  'https://github.com/acme/app/blob/main/.rea/registry.yaml',
  'https://github.com/acme/app/tree/main/.rea',
  'http://localhost:3000/.rea/status',
  'https://raw.githubusercontent.com/a/b/main/.rea/x?raw=1#L3',
  'about:blank',
  'mailto:me@example.com',
  'data:text/plain;base64,SGVsbG8=',
  'postgres://user:pw@db:5432/app',
  'git@github.com:acme/app.git',
  'ssh://git@example.com/acme/app.git',
  'memo://insights',
  'test://static/resource/1',
  'repo://acme/app/contents/README.md',
  'urn:isbn:0451450523',
  'wss://example.com/socket',
  'view-source:https://example.com/',
  'localhost:8080',
  'chrome://settings',
  'redis://cache:6379/0',
  's3://bucket/key/with/.hidden',
] as const;

type Pool = readonly string[];
const ANY: Pool = [...PROSE, ...CODE, ...PATTERNS, ...URLS];
const WORDS: Pool = [
  'main',
  'feature/paths',
  'v1.2.3',
  'acme',
  'app',
  'open',
  'desc',
  'en_US.UTF-8',
  'utf-8',
  'node',
  'HEAD~1',
  'origin/main',
  'me',
  '0',
  'a1b2c3d',
  'application/json',
  'id',
  'name',
];
const SELECTORS: Pool = [
  '#a',
  '.b > .c',
  'text=Sign in',
  '//div[@id="x"]/a',
  'button:has-text("OK")',
  '[data-test=x]',
  'Enter',
  'Control+A',
  'e12',
];

/** Tools by the servers that offer them; of each argument, what it is taken from. */
const TOOLS: Readonly<
  Record<string, Readonly<Record<string, Pool | readonly [Pool] | 'number' | 'flag'>>>
> = {
  // filesystem
  read_text_file: { path: PATHS, head: 'number' },
  read_media_file: { path: PATHS },
  read_multiple_files: { paths: [PATHS] },
  write_file: { path: PATHS, content: ANY },
  create_directory: { path: PATHS },
  list_directory: { path: PATHS },
  directory_tree: { path: PATHS, excludePatterns: [PATTERNS] },
  move_file: { source: PATHS, destination: PATHS },
  search_files: { path: PATHS, pattern: PATTERNS, excludePatterns: [PATTERNS] },
  get_file_info: { path: PATHS },
  edit_file: { path: PATHS, oldText: ANY, newText: CODE, dryRun: 'flag' },
  // memory
  create_entities: { name: WORDS, entityType: WORDS, observations: [PROSE] },
  search_nodes: { query: PROSE },
  open_nodes: { names: [WORDS] },
  // everything
  echo: { message: ANY },
  'get-sum': { a: 'number', b: 'number' },
  'get-annotated-message': { messageType: WORDS, includeImage: 'flag' },
  // git
  git_status: { repo_path: PATHS },
  git_commit: { repo_path: PATHS, message: PROSE },
  git_add: { repo_path: PATHS, files: [PATHS] },
  git_diff: { repo_path: PATHS, target: WORDS, context_lines: 'number' },
  git_log: { repo_path: PATHS, max_count: 'number', start_timestamp: WORDS },
  // github
  create_issue: { owner: WORDS, repo: WORDS, title: PROSE, body: ANY, labels: [WORDS] },
  search_code: { q: ANY, per_page: 'number' },
  get_file_contents: { owner: WORDS, repo: WORDS, path: PATHS, ref: WORDS },
  create_or_update_file: { path: PATHS, content: CODE, message: PROSE, branch: WORDS },
  create_pull_request: { title: PROSE, body: ANY, head: WORDS, base: WORDS, draft: 'flag' },
  add_issue_comment: { issue_number: 'number', body: ANY },
  // browsers
  browser_navigate: { url: URLS },
  browser_click: { element: PROSE, ref: SELECTORS },
  browser_type: { ref: SELECTORS, text: ANY, submit: 'flag' },
  browser_evaluate: { function: CODE },
  browser_press_key: { key: SELECTORS },
  browser_take_screenshot: { filename: PATHS, fullPage: 'flag' },
  fetch: { url: URLS, max_length: 'number', raw: 'flag' },
  puppeteer_select: { selector: SELECTORS, value: WORDS },
  // databases and search
  query: { sql: CODE },
  execute_sql: { query: CODE, params: [ANY] },
  'mongodb-find': { collection: WORDS, filter: CODE },
  redis_set: { key: WORDS, value: ANY },
  brave_web_search: { query: ANY, count: 'number' },
  'qdrant-store': { information: ANY, metadata: WORDS },
  // shells, messages, notes
  run_command: { command: CODE, cwd: PATHS, timeout: 'number' },
  slack_post_message: { channel_id: WORDS, text: ANY },
  'notion-create-page': { title: PROSE, content: ANY },
  sequentialthinking: { thought: PROSE, nextThoughtNeeded: 'flag', thoughtNumber: 'number' },
  convert_time: { source_timezone: WORDS, time: PROSE },
};

/** A request for a tool, without its id. */
export function harmlessParams(random: Random): {
  readonly name: string;
  readonly arguments: object;
} {
  const names = Object.keys(TOOLS);
  const name = names[Math.floor(random() * names.length)]!;
  const entries = Object.entries(TOOLS[name]!).map(([key, from]) => [key, valueFrom(from, random)]);
  return { name, arguments: Object.fromEntries(entries) };
}

function valueFrom(from: Pool | readonly [Pool] | 'number' | 'flag', random: Random): unknown {
  if (from === 'number') return Math.floor(random() * 1000);
  if (from === 'flag') return random() < 0.5;
  const [first] = from;
  if (typeof first === 'string') return from[Math.floor(random() * from.length)];
  const pool = first ?? [];
  return Array.from(
    { length: Math.floor(random() * 4) },
    () => pool[Math.floor(random() * pool.length)],
  );
}

/** Every value that there is. */
export const HARMLESS_VALUES: readonly string[] = [...PATHS, ...ANY, ...WORDS, ...SELECTORS];
