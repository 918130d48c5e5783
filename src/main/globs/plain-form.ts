/**
 * Advice what to write in place of an unsupported pattern: an extended one such as `get_@(a|b)`, or a
 * negation. Text for people; nothing is matched by it. Pure.
 */
/** The list that a pattern is in; the advice for a negation depends on it. */
export type GlobUse = 'allow' | 'deny' | 'owner' | 'path';

/** The first extended group that holds no other one. */
const EXTENDED = /([!+@?*])\(([^()]*)\)/;
const GENERAL = 'write each name that is meant, or a pattern of *, ?, [a-z] and {a,b}';
/** Nested groups are rewritten from the inside; real patterns have fewer. */
const MAX_GROUPS = 8;
/** For a longer pattern the advice is general: its plain form would be too long to help. */
const MAX_SHOWN = 100;

export function plainForm(pattern: string, use: GlobUse): string {
  return pattern.length > MAX_SHOWN ? GENERAL : rewritten(pattern, use);
}

function rewritten(pattern: string, use: GlobUse): string {
  if (pattern.startsWith('!') && !pattern.startsWith('!(')) {
    return negation('*', pattern.slice(1), use);
  }
  let text = pattern;
  for (let count = 0; count < MAX_GROUPS; count++) {
    const found = EXTENDED.exec(text);
    if (found === null) return text.includes('(') ? GENERAL : `write ${JSON.stringify(text)}`;
    const [whole, operator, inner = ''] = found;
    const before = text.slice(0, found.index);
    const after = text.slice(found.index + whole.length);
    const names = inner.split('|');
    if (operator === '!') {
      const excluded = before + braces(names) + after;
      return excluded.includes('(') ? GENERAL : negation(`${before}*${after}`, excluded, use);
    }
    const inPlace =
      operator === '@' ? braces(names) : operator === '?' ? braces(['', ...names]) : '*';
    text = before + inPlace + after;
  }
  return GENERAL;
}

function braces(names: readonly string[]): string {
  return names.length === 1 ? (names[0] ?? '') : `{${names.join(',')}}`;
}

/** All of `some` except `excluded`. */
function negation(some: string, excluded: string, use: GlobUse): string {
  const [all, but] = [JSON.stringify(some), JSON.stringify(excluded)];
  switch (use) {
    case 'allow':
      return `write ${all} in allow and ${but} in deny`;
    case 'deny':
      return some === '*'
        ? `write ${but} in allow instead`
        : `${GENERAL}; ${but} is not one of them`;
    case 'path':
      return `write the paths that are meant, without ${but}: what is blocked stays blocked`;
    case 'owner':
      return `write what is meant itself, without ${but}`;
  }
}
