/** What people and models are told of a definition that is withheld. Pure. */
import type { Form, HeldReason } from '../../shared/machines/drift.ts';
import type { DefinitionKind } from '../../shared/model/findings.ts';
import { cleanForTerminal, clip } from '../../shared/text/clean-text.ts';
import { shellWord } from '../shell-word.ts';

const MAX_NAME = 128;
const MAX_RULES = 5;
const PLAIN = /^[\x21-\x7e]{1,200}$/;

export const KIND_WORDS: Readonly<Record<DefinitionKind, string>> = {
  tool: 'tool',
  prompt: 'prompt',
  template: 'resource template',
  instructions: 'instructions',
};

/** `tool "x" of server "s"`. */
export function shownDefinition(server: string, kind: DefinitionKind, name: string): string {
  const shown = JSON.stringify(cleanForTerminal(clip(name, MAX_NAME)));
  return kind === 'instructions'
    ? `the instructions of server "${server}"`
    : `${KIND_WORDS[kind]} ${shown} of server "${server}"`;
}

/** What a command calls the definition; null: its name cannot be typed. */
export function typedName(kind: DefinitionKind, name: string): string | null {
  if (kind === 'instructions') return kind;
  if (!PLAIN.test(name)) return null;
  return kind === 'tool' && !name.includes('/') && name !== 'instructions'
    ? name
    : `${kind}/${name}`;
}

/** `rea pins accept s x`: with one definition, or all that wait at the server. */
export function pinsCommand(verb: 'accept' | 'diff', server: string, typed: string | null): string {
  return `rea pins ${verb} ${server}${typed === null ? '' : ` ${shellWord(typed)}`}`;
}

export function reasonWords({
  held,
  verdict,
  after,
}: Pick<Form, 'held' | 'verdict' | 'after'>): string {
  const what = after === undefined || after === 'new' ? 'it' : 'its new form';
  const rules = (verdict ?? []).slice(0, MAX_RULES).join(', ');
  const words: Readonly<Record<HeldReason, string>> = {
    findings: `${what} looks like an attack on the model (${rules})`,
    unjudged: `${what} could not be judged`,
    tier: `${what} asks for less caution than before`,
    names: `${what} names tools of another server`,
    changed: `${after === 'new' ? 'it is new' : 'it has changed'}, and the policy withholds that (pins.definitions)`,
  };
  return words[held ?? 'changed'];
}

/** Rules without false alarms: what breaks one of them and is listed was accepted by a person. */
const HARD: ReadonlySet<string> = new Set([
  'hidden-characters',
  'encoded-command',
  'hidden-block',
  'shadowing',
]);

/** Names of the rules about phrases that a listed definition breaks. */
export function softRules({ held, verdict = [] }: Pick<Form, 'held' | 'verdict'>): string[] {
  if (held !== undefined || verdict.some((rule) => HARD.has(rule))) return [];
  return verdict.slice(0, MAX_RULES);
}

/** For whoever calls it. */
export function heldLine(server: string, kind: DefinitionKind, name: string, form: Form): string {
  const typed = typedName(kind, name);
  return `${shownDefinition(server, kind, name)} is withheld until a person accepts it: ${reasonWords(form)}; to look: ${pinsCommand('diff', server, typed)}; to accept: ${pinsCommand('accept', server, typed)}`;
}
