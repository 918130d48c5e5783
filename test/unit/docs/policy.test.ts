/** The page about the policy lists the words by which tiers are told. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { tierByName } from '#src/shared/model/tier-words.ts';

const root = new URL('../../../', import.meta.url);
const LISTS = [
  ['Words that destroy', 'DESTRUCTIVE', 'destructive'],
  ['Words that change', 'WRITE', 'write'],
  ['Words that read', 'READ', 'read'],
] as const;

/** The words between two texts. */
function between(file: string, before: string, after: string): string[] {
  const text = readFileSync(new URL(file, root), 'utf8').split(before)[1] ?? '';
  return (text.split(after, 1)[0] ?? '').trim().split(/\s+/);
}

test.each(LISTS)('%s are those of the code, each of them', (title, name, tier) => {
  const listed = between('docs/policy.md', `${title}:\n\n\`\`\`text\n`, '```');
  const known = between('src/shared/model/tier-words.ts', `const ${name} = words(\``, '`');
  expect(listed.length).toBeGreaterThan(30);
  expect(listed).toEqual(known);
  for (const word of listed) expect(tierByName(word)).toEqual({ tier, word });
});
