/**
 * The operator's patterns as the texts of this thread are searched for them: compiled once for all of its servers.
 * They were tried before they were put in force.
 */
import type { RedactPattern } from '../../../shared/model/policy.ts';
import { errorText } from '../../../shared/platform/errno.ts';
import { OperatorPatterns } from '../../../shared/platform/operator-patterns.ts';
import type { FindMore } from './secrets-in-text.ts';

/** What finds their matches; null: there are none. In words: why they cannot be used all the same. */
type Operator = FindMore | null | string;

const known = new WeakMap<readonly RedactPattern[], Operator>();
/** Each server is told its rules by itself, and they are mostly the same. */
let last: { readonly key: string; readonly operator: Operator } | null = null;

export function operatorOf(patterns: readonly RedactPattern[]): Operator {
  if (patterns.length === 0) return null;
  let operator = known.get(patterns);
  if (operator === undefined) {
    const key = JSON.stringify(patterns.map(({ name, regex, flags }) => [name, regex, flags]));
    if (last?.key !== key) last = { key, operator: compiled(patterns) };
    ({ operator } = last);
    known.set(patterns, operator);
  }
  return operator;
}

function compiled(patterns: readonly RedactPattern[]): Operator {
  try {
    const operator = new OperatorPatterns(patterns);
    return (text) => operator.find(text);
  } catch (error) {
    return `redact.patterns cannot be used: ${errorText(error)}`.slice(0, 300);
  }
}
