/** A record of the log as one short line for a person at a terminal. Pure; the log file has all of it. */
import { clip, oneLine } from '../../shared/text/clean-text.ts';
import { duration } from '../status/words.ts';

export interface ShortLine {
  /** Null: the gateway's own. */
  readonly server: string | null;
  readonly text: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `life`: how a server is; only the newest counts. `trouble`: the same, when it is bad. `other`: all else. */
  readonly kind: 'life' | 'trouble' | 'other';
  /** Lines of the same topic and server are folded. */
  readonly topic: string;
}

type LogRecord = Readonly<Record<string, unknown>>;

/** What a person reads anyway, in the banner or with the next line. */
const HIDDEN = new Set([
  'rea serve is up',
  'owns the state file',
  'spawned',
  'introduced itself',
  'health_changed',
  'respawned',
  'stable',
  'draining',
]);
const CIRCUIT = 'circuit state changed';
const KINDS = new Map<string, ShortLine['kind']>([
  ['child_died_unexpectedly', 'trouble'],
  ['unreachable', 'trouble'],
  [CIRCUIT, 'other'],
]);
/** A shorter wait is over before the line is read. */
const TELL_DELAY_MS = 1000;
const MAX_SERVER = 200;
/** The gateway's own lines hold commands and paths that are to be copied. */
const MAX_OWN = 1000;
const MAX_NAME = 40;
const MAX_FIELD = 100;
const MAX_TOPIC = 200;
/** Of the fields these are in the text, at its side, or of no use to a person. */
const NOT_SHOWN = new Set([
  'level',
  'time',
  'server',
  'msg',
  'incarnation',
  'pid',
  'thread',
  'stream',
  'event',
  'opens',
  'withinMs',
]);

/** @returns null for a record that a person need not see. */
export function shortLine(record: LogRecord, verbose: boolean): ShortLine | null {
  const server = textOf(record['server']);
  const said = textOf(record['msg']) ?? '';
  const known = server === null ? null : ofLife(said, record);
  if (known !== null && known !== '') {
    return shortLineOf(record, server, known, KINDS.get(said) ?? 'life');
  }
  const isHidden = known === '' || HIDDEN.has(said);
  return isHidden && !verbose ? null : shortLineOf(record, server, said, 'other');
}

function shortLineOf(
  record: LogRecord,
  server: string | null,
  said: string,
  kind: ShortLine['kind'],
): ShortLine {
  const level = LEVELS.find((one) => one === record['level']) ?? 'info';
  const isSaid = record['stream'] === 'stderr';
  const hasFields = kind === 'other' && !isSaid && said === record['msg'];
  const bare = hasFields ? `${said}${fieldsOf(record)}` : said;
  const max = server === null ? MAX_OWN : MAX_SERVER;
  const line = oneLine(clip(isSaid ? `| ${bare}` : bare, max + 1));
  const text = line.length > max ? `${clip(line, max - 1)}…` : line;
  // With figures it is the same again: the third attempt, another pid.
  const topic = isSaid ? '|' : clip(said, MAX_TOPIC).replaceAll(/\d+/g, '#');
  return {
    server: server === null ? null : oneLine(clip(server, MAX_NAME)),
    text,
    level,
    kind,
    topic: kind === 'other' ? `${level} ${topic}` : 'life',
  };
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** An event in the life of a server in words; '' when it is not worth a line, null for something else. */
function ofLife(event: string, record: LogRecord): string | null {
  const detail = (textOf(record['detail']) ?? '').replace(/ \(PATH=[^)]*\)/, '');
  switch (event) {
    case 'starting':
      return record['incarnation'] === 1 ? 'starting' : '';
    case 'ready':
      return record['incarnation'] === 1 ? 'ready' : 'ready again';
    case 'child_died_unexpectedly':
      return record['reason'] === 'handshake' ? `${detail} during the handshake` : detail;
    case 'unreachable':
      return detail;
    case 'backoff': {
      const delayMs = Number(record['delayMs']);
      if (delayMs < TELL_DELAY_MS) return '';
      const again = `starts again in ${duration(delayMs)}`;
      return record['crashLoop'] === true ? `fails again and again; ${again}` : again;
    }
    case CIRCUIT:
      return ofCircuit(record);
    case 'idle':
      return 'stopped, as nobody used it; the next call starts it';
    case 'stopped':
      return 'stopped';
    default:
      return null;
  }
}

function ofCircuit(record: LogRecord): string {
  const retryAt = textOf(record['retryAt']);
  if (record['to'] === 'closed') return 'takes calls again';
  if (record['to'] !== 'open' || retryAt === null) return '';
  return `refuses calls until ${clock(new Date(retryAt))}, as it keeps failing`;
}

/** `12:01:07`, local time. */
export function clock(date: Date): string {
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

/** The other fields that are short: ` (pgid 12, outcome ended)`. */
function fieldsOf(record: LogRecord): string {
  const shown: string[] = [];
  for (const [name, value] of Object.entries(record)) {
    if (NOT_SHOWN.has(name)) continue;
    const plain = name === 'err' ? messageOf(value) : value;
    if (typeof plain !== 'string' && typeof plain !== 'number') continue;
    const text = String(plain);
    if (text === record['msg']) continue;
    shown.push(`${name} ${text.length > MAX_FIELD ? `${clip(text, MAX_FIELD - 1)}…` : text}`);
  }
  return shown.length === 0 ? '' : ` (${shown.join(', ')})`;
}

function messageOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'message' in error ? error.message : null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
