/**
 * Patterns of well-known secrets. All take linear time on any text: a pattern that would read on through
 * a run of characters can begin only at the start of that run, and a failed attempt never reads further
 * than its run. A replaced text never holds a quote or ends in a backslash.
 */

/** Makes the replacement for a secret of this kind. */
type Mark = (name: string) => string;

/** Characters of a run; a pattern can begin only at the start of a run. */
const ALNUM = '[A-Za-z0-9]';
const WORD = '[\\w-]';

/** Names of classes and packages begin like some keys, and have seldom a digit; keys have one soon. */
const WITH_DIGIT = '(?=[A-Za-z_-]{0,80}\\d)';

/** Tokens with a known prefix: name, characters that must not stand before it, prefix, rest. */
const TOKENS: readonly (readonly [name: string, run: string, prefix: string, rest: string])[] = [
  ['aws-access-key', ALNUM, 'A(?:KI|SI|BI|CC)A', '[A-Z0-9]{16}(?![A-Za-z0-9])'],
  ['github-token', ALNUM, 'gh[opsru]_', '\\w{30,}'],
  ['github-token', WORD, 'github_pat_', '\\w{22,}'],
  ['gitlab-token', WORD, 'gl(?:agent|cbt|dt|ffct|ft|imt|oas|pat|ptt|rt|soat)-', '[\\w-]{20,}'],
  ['slack-token', WORD, 'x(?:ox[abceoprs]|app)-', '[\\w-]{10,}'],
  ['npm-token', ALNUM, 'npm_', '\\w{36,}'],
  ['pypi-token', WORD, 'pypi-AgEI', '[\\w-]{50,}'],
  ['stripe-key', ALNUM, '(?:[rs]k_(?:live|test)|whsec)_', '[A-Za-z0-9]{16,}'],
  ['anthropic-key', WORD, 'sk-ant-', `${WITH_DIGIT}[\\w-]{16,}`],
  ['openai-key', WORD, 'sk-', `${WITH_DIGIT}[\\w-]{20,}`],
  ['google-key', WORD, 'AIza', '[\\w-]{35,}'],
  ['google-key', WORD, '(?:GOCSPX-|ya29\\.)', '[\\w-]{20,}'],
  ['huggingface-token', ALNUM, 'hf_', '[A-Za-z0-9]{30,}'],
  ['digitalocean-token', ALNUM, 'do[opr]_v1_', '[a-f0-9]{64}'],
  ['sendgrid-key', WORD, 'SG\\.', '[\\w-]{16,}\\.[\\w-]{16,}'],
  ['linear-key', ALNUM, 'lin_(?:api|oauth)_', '\\w{32,}'],
  ['vault-token', WORD, 'hv[bsr]\\.', '[\\w-]{24,}'],
  ['databricks-token', ALNUM, 'dapi', '[a-f0-9]{32}(?![A-Za-z0-9])'],
  ['shopify-token', ALNUM, 'shp(?:at|ca|pa|ss|ua)_', '[a-zA-Z0-9]{32,}'],
  ['figma-token', ALNUM, 'fig[dour]_', '[\\w-]{36,}'],
  ['groq-key', ALNUM, 'gsk_', '[A-Za-z0-9]{40,}'],
  ['grafana-token', ALNUM, 'glsa_', '[A-Za-z0-9]{32}_[a-f0-9]{8}'],
  ['grafana-token', ALNUM, 'glc_', '[A-Za-z0-9+/]{32,}={0,3}'],
  ['discord-token', WORD, '[MNO]', '[\\w-]{22,27}\\.[\\w-]{6}\\.[\\w-]{27,40}'],
  // Behind the number of a bot, which is no secret.
  ['telegram-token', '[^0-9]', ':AA', '[\\w-]{32,34}(?![\\w-])'],
  ['twilio-key', ALNUM, 'SK', '[a-f0-9]{32}(?![A-Za-z0-9])'],
  ['mailgun-key', WORD, 'key-', '[a-f0-9]{32}(?![A-Za-z0-9])'],
  ['notion-token', ALNUM, '(?:secret|ntn)_', '[A-Za-z0-9]{40,}'],
  ['xai-key', WORD, 'xai-', '[A-Za-z0-9]{70,}'],
  ['replicate-token', ALNUM, 'r8_', '[A-Za-z0-9]{37,}'],
  ['supabase-key', ALNUM, 'sbp_', '[a-f0-9]{40}'],
  ['supabase-key', ALNUM, 'sb_secret_', '[\\w-]{20,}'],
  ['postman-key', WORD, 'PMAK-', '[a-f0-9]{24}-[a-f0-9]{34}'],
  ['age-key', WORD, 'AGE-SECRET-KEY-1', '[0-9A-Z]{58}'],
  ['doppler-token', WORD, 'dp\\.(?:audit|ct|pt|sa|scim|st)\\.', '[\\w.-]{40,}'],
  ['atlassian-token', ALNUM, 'AT(?:ATT3|CTT3|BB)', '[\\w=-]{24,}'],
  ['sentry-token', ALNUM, 'sntrys_', '[\\w+/=-]{50,}'],
  ['sentry-token', ALNUM, 'sntryu_', '[a-f0-9]{64}'],
  ['perplexity-key', WORD, 'pplx-', '[A-Za-z0-9]{40,}'],
  ['1password-token', ALNUM, 'ops_eyJ', '[\\w=+/-]{100,}'],
  [
    '1password-key',
    WORD,
    'A3-[A-Z0-9]{6}-',
    '(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}',
  ],
  // Of the gateway's own page.
  ['rea-token', WORD, 'rea_ui_', '[a-f0-9]{64}'],
  ['jwt', WORD, 'eyJ', '[\\w-]{8,}\\.eyJ[\\w-]{8,}(?:\\.[\\w-]*)?'],
];
/** The last character of an escape belongs to no run: text in JSON has `\n` before a token, an address `%3D`. */
const NO_ESCAPE = '(?<!\\\\|\\\\u[\\da-fA-F]{3}|\\\\x[\\da-fA-F]|%[\\da-fA-F])';
/** The prefix is tried first and the character before it afterwards: that is quicker. */
const ANY_TOKEN = new RegExp(
  TOKENS.map(([, run, prefix, rest]) => {
    const before = run === ALNUM || run === WORD ? `${NO_ESCAPE}${run}` : run;
    return `(${prefix}(?<!${before}${prefix})${rest})`;
  }).join('|'),
  'g',
);
/** Names of all kinds that are known by their own form. */
export const TOKEN_KINDS: readonly string[] = [...new Set(TOKENS.map(([name]) => name))];
export const PRIVATE_KEY = 'private-key';

/** A part of a text, and what it is. */
export interface Found {
  readonly from: number;
  readonly to: number;
  readonly kind: string;
}

const SCHEME =
  '(?:(?:bearer|basic|digest|negotiate|ntlm|token|apikey|key|hawk|dpop|aws4-hmac-sha256) )';
const SECRET_NAMES = [
  'pass(?:word|wd|phrase)',
  '(?<![a-z0-9])(?:pwd|token|secret)',
  '(?:access|account|api|auth|private|secret|signing|encryption)[_-]?key',
  '(?:api|app|client|shared|webhook)[_-]?secret',
  '(?:access|api|auth|bearer|id|refresh)[_-]?token',
].join('|');
const NO_SECRET = '\\[REDACTED|(?:null|true|false|undefined|none)\\b';
/** Between a name and its value: a quoted name has a quoted value, as in JSON. */
const GAP = '(?:\\\\?["\']\\s{0,4}:\\s{0,4}\\\\?["\']|\\s{0,4}[:=]\\s{0,4}\\\\?["\']?)';

const QUOTED = '(?<=["\'])[^"\'\\\\\\r\\n]{3,}';
const BARE = '[^\\s"\'\\\\,;&<>(){}[\\]]{3,}';

/** Secrets known by the text before them: the first group stays, the rest of the match is replaced. */
const IN_CONTEXT: readonly (readonly [name: string, literal: string, pattern: RegExp])[] = [
  // scheme://user:password@host. The literal comes first: it is rare, and quickly searched for.
  ['url-password', '://', /(:\/\/[^\s/:@"'<>\\]*:)(?!\[REDACTED)[^\s/"'<>\\]+(?=@)/g],
  ['slack-webhook', 'hooks.slack.com', /(hooks\.slack\.com\/services\/)[\w/]{20,}/g],
  // A known scheme stays; the rest of the line is replaced, since some schemes have several parts.
  [
    'authorization',
    ':',
    new RegExp(
      `(\\bauthorization${GAP}(?!\\s*${SCHEME}?\\[REDACTED)${SCHEME}?)[^\\r\\n"'\\\\]{4,}`,
      'gi',
    ),
  ],
  ['bearer', ' ', /(\bbearer )(?!\[REDACTED)[\w.~+/=-]{16,}/gi],
  [
    'assignment',
    '',
    new RegExp(`((?:${SECRET_NAMES})${GAP})(?!${NO_SECRET})(?:${QUOTED}|${BARE})`, 'gi'),
  ],
];

/** Replaces tokens that are known by their own form. */
export function redactTokens(text: string, mark: Mark): string {
  return text.replace(ANY_TOKEN, (_match, ...groups) => mark(kindOfGroups(groups)));
}

/** Tokens that are known by their own form, in order. */
export function tokensIn(text: string): Found[] {
  return Array.from(text.matchAll(ANY_TOKEN), (match) => {
    const { index, 0: token } = match;
    return { from: index, to: index + token.length, kind: kindOfGroups(match.slice(1)) };
  });
}

function kindOfGroups(groups: readonly unknown[]): string {
  return TOKENS[groups.findIndex((group) => group !== undefined)]?.[0] ?? 'token';
}

/** Replaces passwords in URLs, authorization headers, and values assigned to `password` and the like. */
export function redactValuesInContext(text: string, mark: Mark): string {
  let clean = text;
  for (const [name, literal, pattern] of IN_CONTEXT) {
    if (clean.includes(literal)) {
      clean = clean.replace(pattern, (_match, kept: string) => kept + mark(name));
    }
  }
  return clean;
}

const KEY_BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const KEY_END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/y;
/** Characters in the body of a key. */
const KEY_BODY = /[A-Za-z0-9+/=:,.\s]*/y;
/** Line ends and slashes within JSON, or within JSON within JSON. */
const ESCAPES = /(?:\\+[nrt/])+/y;
/** What every key has in its body, and the mention of a first line has not; begins only at the start of a run. */
const KEY_RUN = /(?<![A-Za-z0-9+/=])(?:[A-Za-z0-9+/=]|\\{1,4}\/){40}/;

/** Replaces PEM private keys; a key without an end is replaced as far as it looks like one, even its first line alone. */
export function redactPrivateKeys(text: string, mark: Mark): string {
  let clean = '';
  let from = 0;
  for (const key of keysIn(text)) {
    clean += text.slice(from, key.from) + mark(key.kind);
    from = key.to;
  }
  return from === 0 ? text : clean + text.slice(from);
}

/** PEM private keys that are there with their body, or the beginning of it, in order. */
export function privateKeysIn(text: string): Found[] {
  return keysIn(text).filter(({ from, to }) => KEY_RUN.test(text.slice(from, to)));
}

/** Whether there is the first line of one. */
export function hasKeyBegin(text: string): boolean {
  KEY_BEGIN.lastIndex = 0;
  return KEY_BEGIN.test(text);
}

function keysIn(text: string): Found[] {
  if (!text.includes('-----BEGIN ')) return [];
  const found: Found[] = [];
  KEY_BEGIN.lastIndex = 0;
  for (let begin = KEY_BEGIN.exec(text); begin !== null; begin = KEY_BEGIN.exec(text)) {
    const to = endOfKey(text, KEY_BEGIN.lastIndex);
    found.push({ from: begin.index, to, kind: PRIVATE_KEY });
    KEY_BEGIN.lastIndex = to;
  }
  return found;
}

function endOfKey(text: string, start: number): number {
  let at = start;
  for (;;) {
    at = skip(KEY_BODY, text, at);
    const end = skip(KEY_END, text, at);
    if (end > at) return end;
    const next = text[at] === '-' ? at + 1 : skip(ESCAPES, text, at);
    if (next === at || text.startsWith('-----', at)) return at;
    at = next;
  }
}

/** The end of a match of a sticky pattern at `at`; `at` when it does not match. */
function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}
