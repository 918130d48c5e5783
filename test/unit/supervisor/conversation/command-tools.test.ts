/** Which tools run commands, and how they are marked: as nothing else of them is changed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeString } from '#src/shared/json/frame.ts';
import { elements, member } from '#src/shared/json/json-slice.ts';
import type { CatalogEntry } from '#src/shared/model/mcp.ts';
import {
  markCommandTools,
  runsCommands,
} from '#src/workers/supervisor/conversation/command-tools.ts';

const TEXT = { type: 'string' };
const HINTS = { readOnlyHint: false, destructiveHint: true };

function isCommandTool(name: string, properties: object): boolean {
  const tool = { name, inputSchema: { type: 'object', properties } };
  return runsCommands(name, Buffer.from(JSON.stringify(tool)));
}

/** Raw JSON of a list → what clients see of it. */
function mark(json: string) {
  const bytes = new TextEncoder().encode(json);
  const before = elements(bytes, [0, bytes.length]).map(([start, end]): CatalogEntry => {
    const tool = bytes.subarray(start, end);
    const keyAt = member(tool, [0, tool.length], 'name') ?? [0, 0];
    return { key: decodeString(tool, keyAt) ?? '', json: tool, keyAt };
  });
  const { entries, commandTools } = markCommandTools(before);
  return { before, entries, commandTools, texts: entries.map(textOf) };
}

const textOf = ({ json }: { json: Uint8Array }) => Buffer.from(json).toString();

describe('a tool that runs commands is known by its name and what it takes', () => {
  // The tools of servers that people use, and names in every way of writing.
  test.each([
    ['bash', 'command'],
    ['Bash', 'command'],
    ['BASH', 'cmd'],
    ['sh', 'script'],
    ['shell', 'command'],
    ['shell_exec', 'command'],
    ['shell-exec', 'cmd'],
    ['shell.exec', 'commands'],
    ['shell/run', 'commandLine'],
    ['runShellCommand', 'command'],
    ['RunSSHCommand', 'cmdString'],
    ['exec', 'code'],
    ['exec_in_pod', 'command'],
    ['executeCommand', 'command'],
    ['execute-command', 'command_line'],
    ['execute_code', 'code'],
    ['execute_script', 'script'],
    ['run_command', 'command'],
    ['run_command2', 'command'],
    ['runcommand', 'Command'],
    ['run_script', 'script'],
    ['run_code', 'code'],
    ['run_python_code', 'python_code'],
    ['run_python', 'code'],
    ['run_process', 'command_line'],
    ['run_process', 'argv'],
    ['start_process', 'command'],
    ['spawn_process', 'command'],
    ['spawnProcess', 'cmd'],
    ['spawn', 'command'],
    ['write_to_terminal', 'command'],
    ['open_terminal', 'shell'],
    ['terminal', 'cmd'],
    ['powershell', 'script'],
    ['PowerShell', 'command'],
    ['invoke_pwsh', 'code'],
    ['cmd', 'command'],
    ['subprocess', 'commands'],
    ['eval', 'code'],
    ['js_eval', 'script'],
    ['run_tests', 'command'],
    ['sql_shell', 'command'],
  ])('%s takes %s', (name, parameter) => {
    expect(isCommandTool(name, { other: { type: 'number' }, [parameter]: TEXT })).toBe(true);
  });

  test.each([
    ['run_tests', 'path'],
    ['run_tests', 'script'],
    ['run_query', 'query'],
    ['run_query', 'command'],
    ['execute_sql', 'sql'],
    ['execute_sql', 'code'],
    ['execute_sql_script', 'script'],
    ['exec_sql', 'script'],
    ['executeQuery', 'command'],
    ['execute_order', 'currency_code'],
    ['execute_trade', 'code'],
    ['read_terminal_output', 'lines'],
    ['kill_shell', 'shell_id'],
    ['bash_output', 'bash_id'],
    ['start_process', 'process_id'],
    ['run_workflow', 'code'],
    ['write_file', 'code'],
    ['create_script', 'script'],
    ['get_command', 'command'],
    ['explain_shell_command', 'command'],
    ['lint_bash', 'script'],
    ['list_terminal_sessions', 'command'],
    ['browser_evaluate', 'script'],
    ['evaluation', 'code'],
    ['prune', 'command'],
    ['seashell', 'command'],
    ['published', 'command'],
    ['executive_summary', 'command'],
    ['bashful', 'command'],
    ['shells', 'command'],
    ['', 'command'],
    ['__proto__', 'command'],
    ['größe', 'command'],
  ])('%s that takes %s is none', (name, parameter) => {
    expect(isCommandTool(name, { other: TEXT, [parameter]: TEXT })).toBe(false);
  });

  test.each<[unknown, boolean]>([
    [{ type: 'string', description: 'The command' }, true],
    [{ type: ['string', 'null'] }, true],
    [{ type: ['null', 'number'] }, false],
    [{ type: 'array', items: { type: 'string' } }, true],
    [{ type: 'array' }, true],
    [{ type: ['null', 'array'], items: { type: 'string' } }, true],
    [{ type: 'array', items: { type: 'number' } }, false],
    [{ type: 'array', items: { type: 'array', items: { type: 'string' } } }, true],
    [{ anyOf: [{ type: 'null' }, { type: 'string' }] }, true],
    [{ oneOf: [{ type: 'number' }, { type: 'array', items: { type: 'string' } }] }, true],
    [{ anyOf: [{ type: 'null' }, { type: 'number' }] }, false],
    [{ description: 'of any type' }, true],
    [{ $ref: '#/$defs/command' }, true],
    [{}, true],
    [true, true],
    [false, false],
    [null, false],
    ['string', false],
    [[TEXT], false],
    [{ type: 'boolean' }, false],
    [{ type: 'number' }, false],
    [{ type: 'object', properties: {} }, false],
    [{ properties: { command: TEXT } }, false],
    [{ type: 'string', enum: ['start', 'stop'] }, false],
    [{ type: 'string', const: 'status' }, false],
    [{ enum: ['on', 'off'] }, false],
  ])('a command is a text that may be anything: %j', (schema, expected) => {
    expect(isCommandTool('bash', { command: schema })).toBe(expected);
  });

  test('what a schema says is read as JSON, not as text', () => {
    const runs = (tool: string) => runsCommands('bash', Buffer.from(tool));
    expect(runs('{"inputSchema":{"properties":{"\\u0063ommand":{"type":"\\u0073tring"}}}}')).toBe(
      true,
    );
    expect(runs('{"inputSchema":{"description":"\\"properties\\":{\\"command\\":{}}"}}')).toBe(
      false,
    );
    expect(runs('{"outputSchema":{"properties":{"command":{}}}}')).toBe(false);
    for (const schema of ['null', '[]', '7', '{"properties":[]}', '{"properties":null}', '{}']) {
      expect(runs(`{"inputSchema":${schema}}`)).toBe(false);
    }
    expect(runs('{}')).toBe(false);
    // Nothing is found in what is too deep, and nothing is thrown.
    const deep = `${'{"anyOf":['.repeat(20_000)}{"type":"string"}${']}'.repeat(20_000)}`;
    expect(runs(`{"inputSchema":{"properties":{"command":${deep}}}}`)).toBe(false);
  });
});

describe('such a tool is listed as destructive', () => {
  const schema = '"inputSchema":{"type":"object","properties":{"command":{"type":"string"}}}';
  const list = (...tools: string[]) => mark(`[${tools.join(' , ')}]`);

  test('whatever its server claims, and whatever else it says is kept as it was written', () => {
    const cases = [
      [`{"name":"bash",${schema}}`, {}],
      [`{"annotations" : null, "name":"bash",${schema}}`, {}],
      [`{"name":"bash","annotations":"safe",${schema}}`, {}],
      [`{"name":"bash",${schema},"annotations":{}}`, {}],
      [`{"name":"bash","annotations":{"readOnlyHint":true},${schema} }`, {}],
      [
        `{"annotations":{"destructiveHint":false, "title" : "S\\u0068ell","readOnlyHint":true,"x":[1.50,{"a":"}"}]},"name":"bash",${schema}}`,
        { title: 'Shell', x: [1.5, { a: '}' }] },
      ],
      [
        `{"name":"bash",${schema},"annotations":{"readOnlyHint":false,"idempotentHint":true,"read\\u004fnlyHint":true,"destructiveHint":false}}`,
        { idempotentHint: true },
      ],
      [
        `{"name":"bash",${schema},"annotations":{"title":"a"},"annotations":{"openWorldHint":false}}`,
        { openWorldHint: false },
      ],
    ] as const;
    for (const [json, kept] of cases) {
      const { texts, commandTools } = list(json);
      expect(commandTools).toEqual(['bash']);
      const before = JSON.parse(json);
      expect([json, JSON.parse(texts[0] ?? '')]).toEqual([
        json,
        { ...before, annotations: { ...kept, ...HINTS } },
      ]);
    }
    const [, , , , , [json]] = cases;
    expect(list(json).texts[0]).toBe(
      `{"annotations":{"title" : "S\\u0068ell","x":[1.50,{"a":"}"}],"readOnlyHint":false,"destructiveHint":true},"name":"bash",${schema}}`,
    );
  });

  test('the name is where it says, and what was not marked is the same object, byte for byte', () => {
    const plain = `{ "name" : "re\\u0061d", "x" : 1.0 }`;
    const { before, entries, commandTools } = list(
      plain,
      `{"annotations":{"readOnlyHint":true,"title":"t"},${schema},"name":"run_command"}`,
      `{"name":"write",${schema}}`,
      `{"name":"b\\u0061sh",${schema}}`,
    );
    expect(commandTools).toEqual(['run_command', 'bash']);
    expect(entries[0]).toBe(before[0]);
    expect(entries[2]).toBe(before[2]);
    for (const { key, json, keyAt } of entries) {
      expect(JSON.parse(Buffer.from(json.subarray(...keyAt)).toString())).toBe(key);
    }
    expect(textOf(entries[0]!)).toBe(plain);
  });

  test('a mark on a mark changes nothing: the same list is the same bytes', () => {
    const json = `[{"name":"bash",${schema},"annotations":{"title":"t"}},{"name":"exec",${schema}}]`;
    const once = mark(json).texts;
    expect(mark(json).texts).toEqual(once);
    expect(mark(`[${once.join()}]`).texts).toEqual(once);
  });

  test('of what is said at length only our own is kept', () => {
    const title = 't'.repeat(5000);
    const { texts } = list(`{"name":"bash","annotations":{"title":"${title}"},${schema}}`);
    expect(JSON.parse(texts[0] ?? '').annotations).toEqual(HINTS);
  });

  test('is handed over to another thread without anything else', () => {
    const many = Array.from({ length: 1000 }, (_, at) => `{"name":"bash_${at}",${schema}}`);
    const { entries } = list(...many);
    const buffers = new Set(entries.map(({ json }) => json.buffer));
    expect(buffers.size).toBe(1);
    const [buffer] = buffers;
    expect(buffer?.byteLength).toBe(entries.reduce((sum, { json }) => sum + json.length, 0));
  });

  test('whatever the annotations are, the result is the tool with two hints set', () => {
    const annotations = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(
        fc.oneof(fc.string(), fc.constantFrom('readOnlyHint', 'destructiveHint', '__proto__')),
        fc.jsonValue({ maxDepth: 2 }),
        { maxKeys: 5 },
      ),
    );
    fc.assert(
      fc.property(annotations, fc.constantFrom(undefined, 2), (value, indent) => {
        const tool = { name: 'bash', annotations: value, inputSchema: { properties: { cmd: {} } } };
        const json = JSON.stringify(tool, null, indent);
        const [text = ''] = mark(`[${json}]`).texts;
        const marked = JSON.parse(text);
        const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
        const isKept = isObject && JSON.stringify(value, null, indent).length < 3000;
        // As it is written: JSON knows no minus zero.
        const kept = isKept ? JSON.parse(JSON.stringify(value)) : {};
        expect(marked).toEqual({ ...JSON.parse(json), annotations: { ...kept, ...HINTS } });
        const bytes = Buffer.from(text);
        expect(member(bytes, [0, bytes.length], 'name')).not.toBe(null);
      }),
    );
  });
});
