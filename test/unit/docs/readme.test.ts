/** What README shows first, and what it and docs/comparison.md say beside other gateways. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const README = read('README.md');
const COMPARISON = read('docs/comparison.md');
const SNAPSHOT = /^\S+ \d+\.\d+\.\d+$|^\S+, (?:[A-Z][a-z]+) 20\d\d$/;
const MOST_COLUMNS = 120;

/** The tables whose first head is `as of`: their heads, and by the first cell the others of each row. */
function tables(text: string): { heads: string[]; rows: Map<string, string[]> }[] {
  return [...text.matchAll(/^\| as of .*\n(?:\|.*\n)+/gm)].map(([table]) => {
    const [head, , ...rows] = table
      .trim()
      .split('\n')
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    return {
      heads: head?.slice(1) ?? [],
      rows: new Map(rows.map(([name = '', ...cells]) => [name, cells])),
    };
  });
}

test('one sentence, the two commands of a fresh machine, the picture, then how it is used', () => {
  const order = ['\n**One MCP endpoint', 'npm ci && npm start', 'npm ci && npm test'];
  const places = [...order, '](docs/status.svg)', '## Use it', '| as of'].map((text) =>
    README.indexOf(text),
  );
  expect(places.every((place) => place > 0)).toBe(true);
  expect(places).toEqual(places.toSorted((one, other) => one - other));
  expect(places[3]).toBeLessThan(README.indexOf('\n## '));
  const sections = [...README.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
  const late = ['Configuration', 'What it promises', 'Limits'].map((one) => sections.indexOf(one));
  expect(late).toEqual(late.toSorted((one, other) => one - other));
});

test('lines can be read in an editor', () => {
  const lines = README.replaceAll(/^```.*?^```$/gms, '').split('\n');
  const long = lines.filter((line) => !line.startsWith('|') && line.length > MOST_COLUMNS);
  expect(long).toEqual([]);
});

test('each column says which version or month was looked at', () => {
  const heads = [...tables(README), ...tables(COMPARISON)].flatMap((table) => table.heads);
  expect(heads.length).toBeGreaterThan(10);
  for (const head of heads) expect(head).toMatch(SNAPSHOT);
});

test('README says nothing of others that the comparison does not say', () => {
  const [short, ...more] = tables(README);
  const [full] = tables(COMPARISON);
  expect(more).toEqual([]);
  const columns = short?.heads.map((head) => full?.heads.indexOf(head) ?? -1) ?? [];
  expect(columns).not.toContain(-1);
  expect(short?.rows.size).toBeGreaterThan(5);
  for (const [name, cells] of short?.rows ?? []) {
    expect([name, cells]).toEqual([name, columns.map((at) => full?.rows.get(name)?.[at])]);
  }
});

test('what was measured is of the versions, and has the figures, of the benchmarks', () => {
  const peers = JSON.parse(read('bench/peers.json')) as Record<string, string>;
  const heads = tables(COMPARISON).flatMap((table) => table.heads);
  for (const [name, version] of Object.entries(peers))
    expect(heads).toContain(`${name} ${version}`);
  const [, bridges] = tables(COMPARISON);
  const name = [...(bridges?.rows.keys() ?? [])].find((row) => row.startsWith('an echo of 100 B'));
  const told = bridges?.rows.get(name ?? '')?.map((cell) => cell.replace(' ms', ''));
  const latency = read('docs/benchmarks.md').split('## Latency of one call')[1] ?? '';
  const cells = (row: string) =>
    (row.split('\n', 1)[0] ?? '').split('|').map((cell) => cell.replace(/\(.*\)/, '').trim());
  const columns = cells(latency.slice(latency.indexOf('| p50, ms')));
  const figures = cells(latency.slice(latency.indexOf('| SDK client, real server, 100 B')));
  const measured = ['rea-http', 'mcp-proxy', 'supergateway'].map(
    (at) => figures[columns.indexOf(at)],
  );
  expect(told).toEqual(measured);
});
