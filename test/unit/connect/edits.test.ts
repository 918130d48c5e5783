/** Edits of generated files: the change that was asked for, and nothing else. */
import { parse as parseJsonc } from 'jsonc-parser';
import { parse as parseToml } from 'smol-toml';
import { expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { CLIENTS } from '#src/main/config/clients/known/all.ts';
import type { KnownClient } from '#src/main/config/clients/known/client.ts';
import { parseConfig } from '#src/main/config/parse.ts';
import { launchedOf } from '#src/main/config/same-server.ts';
import { editedText } from '#src/main/connect/edit-client.ts';
import { connecting, contentsOf, disconnecting, servedBy } from '#src/main/connect/plan.ts';
import { randomFrom } from '../config/seeded.ts';
import { clientText } from './client-texts.ts';

const FILES = 1000;
const SELF = '/opt/rea/dist/main/index.js';
const CWD = '/home/me/project';
const LAUNCH = { command: 'rea', args: ['serve', '--shared', '--cwd', CWD] };

type Values = Record<string, unknown>;

/** What a file says, by other parsers' words than those of the code. */
function valueOf(text: string, extension: string): Values {
  const plain = text.replace(/^\uFEFF/, '');
  if (extension === '.toml') return parseToml(plain);
  if (extension === '.yaml') return (parseYaml(plain) ?? {}) as Values;
  return plain.trim() === '' ? {} : (parseJsonc(plain, [], { allowTrailingComma: true }) as Values);
}

/** The file as the commands read it. */
function opened(text: string, extension: string) {
  const isEmpty = text.replace(/^\uFEFF/, '').trim() === '' && extension === '.json';
  const parsed = parseConfig(isEmpty ? '{}' : text, 'file', extension);
  if (!parsed.ok) throw new Error(`${JSON.stringify(parsed.problems)}\n${text}`);
  const file = {
    text: isEmpty ? '{}\n' : text,
    extension,
    document: parsed.document,
    shown: 'file',
  };
  return { file, contents: contentsOf(parsed.document, CWD, SELF) };
}

function changedText(
  text: string,
  extension: string,
  changes: ReturnType<typeof disconnecting>,
): string {
  const edited = editedText(opened(text, extension).file, changes);
  if (typeof edited === 'string') throw new Error(`${edited}\n${JSON.stringify(changes)}\n${text}`);
  return edited.text;
}

/** The list of a client by names, and all else. */
function split(client: KnownClient, { [client.list]: list = {}, ...rest }: Values) {
  const entries: [string, unknown][] = Array.isArray(list)
    ? list.map((one: Values) => [String(one['name']), one])
    : Object.entries(list ?? {});
  return { servers: new Map(entries), rest };
}

function isSubsequence(part: string, whole: string): boolean {
  let at = 0;
  for (const character of part) {
    const found = whole.indexOf(character, at);
    if (found < 0) return false;
    at = found + character.length;
  }
  return true;
}

test(`${FILES} generated files: rea is put in, and every byte stays; it is taken out, and nothing else has changed`, () => {
  const random = randomFrom(11);
  for (let at = 0; at < FILES; at++) {
    const client = CLIENTS[at % CLIENTS.length] as KnownClient;
    const extension = /\.\w+$/.exec(client.places.linux[0] ?? '')?.[0] ?? '';
    const { text } = clientText(client, random);
    const isHttp = client.http !== null && random(2) === 0;
    const entry = isHttp ? client.http('http://127.0.0.1:7332/mcp') : client.stdio(LAUNCH);
    const { file, contents } = opened(text, extension);
    const options = { isHttp, taken: [] };
    const changes = connecting(client, contents, entry, options);
    if (typeof changes === 'string') throw new Error(changes);
    const connected = changedText(text, extension, changes);
    // Continue's file is written anew where its list is empty and in one line.
    if (!/^mcpServers: \[\]/m.test(text)) {
      expect(isSubsequence(file.text, connected), `${text}\n->\n${connected}`).toBe(true);
    }
    const before = split(client, valueOf(text, extension));
    const after = split(client, valueOf(connected, extension));
    expect(after.servers.get('rea'), connected).toEqual(entry);
    after.servers.delete('rea');
    expect(after.servers).toEqual(before.servers);
    const { inputs, ...others } = after.rest;
    expect(others).toEqual(before.rest);
    expect(inputs).toEqual(isHttp && client.input !== null ? [client.input.value] : undefined);

    const again = opened(connected, extension);
    expect(connecting(client, again.contents, entry, options)).toEqual([]);
    const out = changedText(connected, extension, disconnecting(client, again.contents));
    const end = split(client, valueOf(out, extension));
    expect(end.servers).toEqual(before.servers);
    expect({ ...end.rest, inputs: [] }).toEqual({ ...before.rest, inputs: [] });
  }
});

test('servers that rea serves are taken out, and only these; comments apart from them stay', () => {
  const random = randomFrom(12);
  let taken = 0;
  for (let at = 0; at < FILES / 2; at++) {
    const client = CLIENTS[at % CLIENTS.length] as KnownClient;
    const extension = /\.\w+$/.exec(client.places.linux[0] ?? '')?.[0] ?? '';
    const { text, apart } = clientText(client, random);
    const { contents } = opened(text, extension);
    const served = contents.others.filter(() => random(2) === 0);
    const registry = served.map((server) => ({
      name: server.name,
      launched: launchedOf(server, 'client', CWD),
    }));
    const same = servedBy(contents, registry, CWD);
    const names = same.map((server) => contents.names.get(server) ?? '');
    expect(names).toEqual(expect.arrayContaining(served.map((one) => contents.names.get(one))));
    const entry = client.stdio(LAUNCH);
    const changes = connecting(client, contents, entry, { isHttp: false, taken: same });
    if (typeof changes === 'string') throw new Error(changes);
    const connected = changedText(text, extension, changes);
    const before = split(client, valueOf(text, extension));
    const after = split(client, valueOf(connected, extension));
    for (const name of names) before.servers.delete(name);
    after.servers.delete('rea');
    expect(after, `${text}\n->\n${connected}`).toEqual(before);
    for (const note of apart) expect(connected, text).toContain(note);
    taken += names.length;
  }
  expect(taken).toBeGreaterThan(FILES / 4);
});
