/** Every link from one page of the project to another leads somewhere, and so does every `#section`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const OWN = ['docs', 'examples', 'bench'];
const PAGES = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...OWN.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  ),
];

/** Without what stands between fences or backticks: that is no link. */
function prose(path: string): string {
  const text = readFileSync(join(ROOT, path), 'utf8');
  return text.replaceAll(/^```.*?^```$/gms, '').replaceAll(/`[^`\n]*`/g, '');
}

/** The names by which GitHub and npm link to the headings of a page. */
function anchors(path: string): Set<string> {
  const text = readFileSync(join(ROOT, path), 'utf8').replaceAll(/^```.*?^```$/gms, '');
  const found = new Set<string>();
  for (const [, heading = ''] of text.matchAll(/^#+ (.+)$/gm)) {
    const shown = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const name = shown.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-');
    let free = name;
    for (let count = 1; found.has(free); count++) free = `${name}-${count}`;
    found.add(free);
  }
  return found;
}

test.each(PAGES)('%s', (page) => {
  const links = [...prose(page).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target);
  const inside = links.filter((target) => !/^[a-z]+:/.test(target));
  for (const target of inside) {
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? page : join(dirname(page), path);
    expect(existsSync(join(ROOT, file)), `${page}: ${target}`).toBe(true);
    if (anchor !== undefined) expect([...anchors(file)], `${page}: ${target}`).toContain(anchor);
  }
});

test('every page of docs is reached from README', () => {
  const linked = [...prose('README.md').matchAll(/\]\((docs\/[a-z-]+\.md)/g)].map(([, to]) => to);
  const pages = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  for (const page of pages) expect(linked).toContain(`docs/${page}`);
});
