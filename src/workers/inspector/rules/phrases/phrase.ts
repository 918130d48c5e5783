/**
 * A phrase of poisoned definitions. Each has a weight: many honest descriptions have one of the weaker ones. Patterns look
 * at plain text (plain-text.ts): lower case, one space. Their gaps are bounded, so that each takes time linear in the text.
 */

export type SoftRule =
  | 'override'
  | 'secrecy'
  | 'consent'
  | 'credential-file'
  | 'conversation'
  | 'sink'
  | 'precedence'
  | 'preference'
  | 'other-tools'
  | 'tampering'
  | 'command'
  | 'disguise';

export interface Phrase {
  readonly rule: SoftRule;
  /** From 1 on it is a finding by itself. */
  readonly weight: number;
  readonly pattern: RegExp;
}

export const phrase = (rule: SoftRule, weight: number, source: string): Phrase => ({
  rule,
  weight,
  pattern: new RegExp(source, 'g'),
});
