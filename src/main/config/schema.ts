/**
 * The shape of `registry.yaml`. Strict: every key is in force or refused. The error text of each rule
 * is the advice shown after the problem ("what would be right"); what is wrong is said by issues.ts.
 */
import { z } from 'zod';
import { parseGlob } from '../globs/parse.ts';
import type { GlobUse } from '../globs/plain-form.ts';
import { headerNameAdvice } from './endpoint.ts';

const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;
const MAX_PATTERNS = 1000;

const RESERVED_NAMES = new Set(['rea', 'constructor']);

/** Advice for a name that a server may not have, or null. */
export function nameAdvice(name: string): string | null {
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(name)) {
    return 'use 1 to 32 of a-z, 0-9 and "-", not beginning with "-"';
  }
  return RESERVED_NAMES.has(name) ? 'this name is reserved; choose another one' : null;
}

/** Advice for a prefix that a server may not have, or null. */
export function prefixAdvice(prefix: string): string | null {
  if (prefix === '') return null;
  if (!/^[A-Za-z0-9_-]{1,32}$/.test(prefix)) return 'use 1 to 32 of A-Z, a-z, 0-9, "_" and "-"';
  if (prefix.includes('__') || prefix.endsWith('_')) {
    return '"__" separates prefix and tool; leave it out, also at the end';
  }
  const reserved = prefix === 'rea' || prefix.startsWith('__rea');
  return reserved ? 'this prefix is reserved; choose another one' : null;
}

/** A string that passes `advice`. */
function checked(advice: (text: string) => string | null) {
  return z.string({ error: 'write text' }).superRefine((text, context) => {
    const message = advice(text);
    if (message !== null) context.addIssue({ code: 'custom', message });
  });
}

const text = (what: string) =>
  z
    .string({ error: `write ${what} as text, in quotes if it looks like a number` })
    .refine((value) => !value.includes('\0'), { error: 'remove the NUL character' });

const filled = (what: string) => text(what).min(1, { error: `write ${what}` });

/** A pattern as in src/main/globs. */
const pattern = (what: string, use: GlobUse) =>
  filled(what).superRefine((value, context) => {
    const parsed = parseGlob(value, use);
    if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.fix });
  });

const list = <T extends z.ZodType>(item: T, what: string) =>
  z.array(item, { error: `write a list of ${what}, like [a, b]` });

const patterns = (what: string, all: string, use: GlobUse) =>
  list(pattern(what, use), all).max(MAX_PATTERNS, {
    error: `write at most ${MAX_PATTERNS} of them`,
  });

function mapping<T extends z.ZodRawShape>(shape: T) {
  const error = `write a mapping with keys of: ${Object.keys(shape).join(', ')}`;
  return z.strictObject(shape, { error });
}

function whole(min: number, max: number, unit = '') {
  const error = `write a whole number from ${min} to ${max}${unit === '' ? '' : ` (${unit})`}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

const yesNo = z.boolean({ error: 'write true or false' });
const milliseconds = (min = 1) => whole(min, DAY_MS, 'milliseconds');

/** One of the words in `accepted`. */
function word<const T extends readonly [string, ...string[]]>(accepted: T) {
  return z.enum(accepted, { error: `write ${accepted.join(' or ')}` });
}

/** A key of the documented format that this version refuses rather than ignores. */
const notYet = () => z.never().optional();

const environment = z.record(
  z.string().regex(/^[^=\s\0]+$/, { error: 'use a name without spaces and "="' }),
  text('the value'),
  { error: 'write a mapping like {NAME: "value"}' },
);

const headers = z.record(
  z.string().superRefine((name, context) => {
    const message = headerNameAdvice(name);
    if (message !== null) context.addIssue({ code: 'custom', message });
  }),
  text('the value'),
  { error: 'write a mapping like {Authorization: "Bearer ${TOKEN}"}' },
);

const variableName = text('the name of a variable').regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
  error: 'write the name of a variable: letters, digits and "_"',
});

const options = {
  cwd: filled('the path of a directory').optional(),
  env: environment.optional(),
  env_passthrough: list(variableName, 'names of variables').optional(),
  env_file: filled('the path of a file').optional(),
  enabled: yesNo.optional(),
  client_capabilities: z
    .record(z.string(), z.record(z.string(), z.unknown()), {
      error: 'write a mapping like {sampling: {}, elicitation: {}}',
    })
    .optional(),
  asks: mapping({
    elicitation: word(['allow', 'deny']).optional(),
    sampling: word(['allow', 'deny']).optional(),
    unsolicited: word(['allow', 'deny']).optional(),
  }).optional(),
  tools: mapping({
    allow: patterns('a tool name or pattern', 'tool names', 'allow').optional(),
    deny: patterns('a tool name or pattern', 'tool names', 'deny').optional(),
  }).optional(),
  instructions: word(['on', 'off']).optional(),
  pin: word(['on', 'off']).optional(),
  start_timeout_ms: milliseconds().optional(),
  call_timeout_ms: milliseconds().optional(),
  call_total_timeout_ms: milliseconds().optional(),
  ask_timeout_ms: milliseconds().optional(),
  max_concurrency: whole(1, 10_000).optional(),
  max_queue: whole(0, 100_000).optional(),
  max_message_bytes: whole(1024, 256 * MIB, 'bytes').optional(),
  max_result_bytes: whole(1024, 256 * MIB, 'bytes').optional(),
  restart: mapping({
    intensity: whole(1, 1000).optional(),
    period_ms: milliseconds().optional(),
    backoff_ms: milliseconds().optional(),
    backoff_max_ms: milliseconds().optional(),
    stable_ms: milliseconds(0).optional(),
  }).optional(),
  breaker: mapping({
    failures: whole(1, 1000).optional(),
    cooldown_ms: milliseconds().optional(),
  }).optional(),
  liveness: mapping({
    idle_ms: milliseconds().optional(),
    timeout_ms: milliseconds().optional(),
    misses: whole(1, 100).optional(),
  }).optional(),
  priority: word(['auto', 'normal', 'low']).optional(),
  protocol: word(['auto', 'legacy', 'modern']).optional(),
  trusted: yesNo.optional(),
  start: word(['eager', 'lazy']).optional(),
  idle_stop_ms: milliseconds(0).optional(),
  max_rss_mb: whole(0, 1_048_576, 'MiB').optional(),
  detached: word(['end', 'leave']).optional(),
  instances: word(['shared', 'session']).optional(),
  max_instances: whole(1, 256).optional(),
  tier_overrides: z
    .record(z.string(), word(['read', 'write', 'destructive']), {
      error: 'write a mapping like {tool: destructive}',
    })
    .optional(),
  max_calls_per_minute: whole(0, 100_000, 'calls').optional(),
};

const threads = mapping({
  mode: word(['auto', 'dedicated', 'shared']).optional(),
  dedicated_up_to: whole(0, 1000, 'threads').optional(),
  most_shared: whole(1, 64, 'threads').optional(),
  heap_mb: whole(16, 4096, 'MiB').optional(),
  stall_ms: whole(100, 600_000, 'milliseconds').optional(),
});

const http = mapping({
  max_sessions: whole(1, 100_000, 'sessions').optional(),
  max_connections: whole(1, 100_000, 'connections').optional(),
});

const oauth = mapping({
  issuer: filled('the address of its authorization server').optional(),
  client_id: filled('the id that its authorization server has given').optional(),
  client_secret: filled('a reference like ${CLIENT_SECRET}').optional(),
  client_metadata_url: filled('the address of a client metadata document').optional(),
  scopes: list(
    z.string({ error: 'write a scope as text' }).regex(/^[\w:./+@*~-]{1,200}$/, {
      error: 'write one scope, of letters, digits and : . / _ -',
    }),
    'scopes',
  ).optional(),
});

export const serverSchema = mapping({
  name: checked(nameAdvice),
  command: filled('the program to start').optional(),
  args: list(text('the argument'), 'arguments').optional(),
  url: filled('the address').optional(),
  headers: headers.optional(),
  token_file: filled('the path of a file').optional(),
  insecure_http: yesNo.optional(),
  oauth: oauth.optional(),
  prefix: checked(prefixAdvice).optional(),
  resources: mapping({
    owner: patterns('a URI or a pattern', 'URIs', 'owner').optional(),
  }).optional(),
  ...options,
});

export const defaultsSchema = mapping({
  ...options,
  threads: threads.optional(),
  list_wait_ms: whole(0, 60_000, 'milliseconds').optional(),
  idle_exit_ms: whole(1000, 86_400_000, 'milliseconds').optional(),
  byte_credit_mb: whole(1, 16_384, 'MiB').optional(),
  slow_client_ms: milliseconds(1000).optional(),
  http: http.optional(),
});

/** The file itself; `defaults` and each server are checked on their own, so that one mistake hides no other. */
export const registrySchema = mapping({
  version: z.union([z.literal('1'), z.literal(1)], { error: 'write version: "1"' }),
  defaults: z.unknown().optional(),
  servers: list(z.unknown(), 'servers').nullable(),
  metrics: notYet(),
  gateway: notYet(),
  reviewer: notYet(),
});

/** Keys of `defaults` that are about the gateway, not about a server. */
type GatewayKey =
  | 'threads'
  | 'list_wait_ms'
  | 'idle_exit_ms'
  | 'byte_credit_mb'
  | 'slow_client_ms'
  | 'http';

/** Options of both servers and `defaults`, as written. */
export type ServerOptions = Omit<z.infer<typeof defaultsSchema>, GatewayKey>;
export type RegistryServer = z.infer<typeof serverSchema>;
