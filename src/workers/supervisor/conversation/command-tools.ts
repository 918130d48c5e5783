/**
 * Which tools run commands, by their name and what they take, and how such a tool is listed: as one that
 * may destroy and does not only read, whatever its server says. A guess from words, which is wrong for
 * whoever hides what a tool does: it is for people and clients who decide, and binds nobody. Pure; takes time
 * linear in the bytes of a tool.
 */
import { decodeString } from '../../../shared/json/frame.ts';
import { eachMember, elements, isName, kindAt, member } from '../../../shared/json/json-slice.ts';
import type { ByteRange } from '../../../shared/model/byte-range.ts';
import type { CatalogEntry } from '../../../shared/model/mcp.ts';

export interface MarkedTools {
  /** All of them, in their order; those that run no commands are the same objects. */
  readonly entries: readonly CatalogEntry[];
  /** Names of those that run commands. */
  readonly commandTools: readonly string[];
}

/** Tools named like this run what they are given. */
const SHELLS = words(
  `bash sh zsh ksh shell terminal powershell pwsh cmd subprocess popen repl ssh`,
);
/** So do these, unless they are about data. */
const EXECUTORS = words(`exec eval`);
/** These run whatever they are about. */
const VERBS = words(`run execute spawn start launch invoke`);
const OBJECTS = words(
  `command commands cmd script scripts code shell process program python javascript js typescript
   applescript osascript`,
);
/** What is executed is a request for data then, and no command. */
const DATA = words(`sql query queries graphql cypher`);
/** Those that begin so look at a command and do not run it. */
const LOOKS = words(
  `explain describe document validate check lint format parse search find list generate suggest analyze`,
);

/** Parameters that hold a command; their names without case and separators. */
const COMMANDS = words(
  `command commands cmd cmds commandline cmdline commandstring cmdstring shellcommand bashcommand argv`,
);
/** Parameters that hold a command or a program text. */
const CODES = new Set([
  ...COMMANDS,
  ...words(`script scripts code sourcecode pythoncode shell bash powershell program`),
]);

/** Raw JSON of a parameter's name with all of its letters escaped. */
const MAX_PARAMETER_BYTES = 128;
/** Alternatives and types of a parameter that are looked at, and how deep. */
const MAX_ALTERNATIVES = 16;
const MAX_DEPTH = 4;
/** What a server says of a tool beyond this is not kept. */
const MAX_ANNOTATION_BYTES = 4096;

const HINTS = ['readOnlyHint', 'destructiveHint'] as const;
const OURS = Buffer.from('"readOnlyHint":false,"destructiveHint":true}');
const NONE = Buffer.from(',"annotations":{');
const [OPEN, COMMA, CLOSE] = [Buffer.from('{'), Buffer.from(','), Buffer.from('}')];

/** Marks those of a list that run commands. */
export function markCommandTools(entries: readonly CatalogEntry[]): MarkedTools {
  const runs = entries.map(({ key, json }) => runsCommands(key, json));
  const marked = new Map(
    entries.flatMap((entry, at) => (runs[at] === true ? [[at, markedJson(entry.json)]] : [])),
  );
  // One buffer for all: each is handed over to another thread by itself.
  const total = [...marked.values()].reduce((sum, { length }) => sum + length, 0);
  const whole = Buffer.allocUnsafeSlow(total);
  let end = 0;
  return {
    entries: entries.map((entry, at) => {
      const json = marked.get(at);
      if (json === undefined) return entry;
      whole.set(json, end);
      end += json.length;
      return entryOf(entry.key, whole.subarray(end - json.length, end));
    }),
    commandTools: entries.filter((_, at) => runs[at]).map(({ key }) => key),
  };
}

/** @param tool its raw JSON, validated. */
export function runsCommands(name: string, tool: Uint8Array): boolean {
  const parameters = parametersOf(name);
  if (parameters === null) return false;
  const schema = member(tool, [0, tool.length], 'inputSchema');
  const properties = schema === null ? null : member(tool, schema, 'properties');
  if (properties === null) return false;
  let found = false;
  eachMember(tool, properties, (key, keyEnd, start, end) => {
    if (found || keyEnd - key > MAX_PARAMETER_BYTES) return;
    const plain = (decodeString(tool, [key, keyEnd]) ?? '').toLowerCase().replace(/[^a-z]/g, '');
    found = parameters.has(plain) && takesText(tool, [start, end], MAX_DEPTH);
  });
  return found;
}

/** The parameters that make a tool of this name one that runs commands; null when none does. */
function parametersOf(name: string): ReadonlySet<string> | null {
  const all = wordsOf(name);
  const has = (known: ReadonlySet<string>) => all.some((word) => known.has(word));
  if (LOOKS.has(all[0] ?? '')) return null;
  if (has(SHELLS)) return CODES;
  if (has(DATA)) return null;
  if (has(EXECUTORS) || (has(VERBS) && has(OBJECTS))) return CODES;
  return has(VERBS) ? COMMANDS : null;
}

/** `runSSHCommand`, `run-ssh_command` and `runsshcommand2` alike, in lower case; the last one is one word. */
function wordsOf(name: string): string[] {
  const found = name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g) ?? [];
  return found.flatMap((word) => GLUED.get(word.toLowerCase()) ?? [word.toLowerCase()]);
}

/** `runcommand` and the like, which nothing separates. */
const GLUED = new Map(
  [...VERBS, ...EXECUTORS].flatMap((verb) =>
    [...OBJECTS].map((object) => [`${verb}${object}`, [verb, object]] as const),
  ),
);

/** Whether a parameter takes any text, or a list of texts. @param schema where it is. */
function takesText(tool: Uint8Array, schema: ByteRange, depth: number): boolean {
  const kind = kindAt(tool, schema[0]);
  if (kind !== 'object') return kind === 'boolean' && tool[schema[0]] === 0x74;
  if (depth === 0) return false;
  const part = (key: string) => member(tool, schema, key);
  if (part('enum') !== null || part('const') !== null) return false;
  const type = part('type');
  if (type !== null) {
    const isList = kindAt(tool, type[0]) === 'array';
    const types = isList ? elements(tool, type, MAX_ALTERNATIVES) : [type];
    const is = (wanted: string) => types.some(([start, end]) => isName(tool, start, end, wanted));
    if (is('string')) return true;
    const items = part('items');
    return is('array') && (items === null || takesText(tool, items, depth - 1));
  }
  for (const key of ['anyOf', 'oneOf']) {
    const alternatives = part(key);
    if (alternatives === null) continue;
    return elements(tool, alternatives, MAX_ALTERNATIVES).some((one) =>
      takesText(tool, one, depth - 1),
    );
  }
  // It does not say: it may be one.
  return part('properties') === null;
}

/** The tool with our hints among its annotations; the bytes of everything else stay. */
function markedJson(tool: Uint8Array): Uint8Array {
  const annotations = member(tool, [0, tool.length], 'annotations');
  if (annotations === null) {
    return Buffer.concat([tool.subarray(0, -1), NONE, OURS, CLOSE]);
  }
  const [start, end] = annotations;
  const kept: Uint8Array[] = [];
  if (end - start <= MAX_ANNOTATION_BYTES) {
    eachMember(tool, annotations, (key, keyEnd, _, valueEnd) => {
      if (HINTS.some((hint) => isName(tool, key, keyEnd, hint))) return;
      kept.push(tool.subarray(key, valueEnd), COMMA);
    });
  }
  return Buffer.concat([tool.subarray(0, start), OPEN, ...kept, OURS, tool.subarray(end)]);
}

function entryOf(key: string, json: Uint8Array): CatalogEntry {
  return { key, json, keyAt: member(json, [0, json.length], 'name') ?? [0, 0] };
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}
