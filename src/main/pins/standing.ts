/** What a text is that is remembered from an earlier run. Pure. */
import { hash } from 'node:crypto';
import type { ServerForms } from '../../shared/machines/drift.ts';
import type { DefinitionKind } from '../../shared/model/findings.ts';
import { definitionKey } from './definition-forms.ts';

/** Of a pinned definition, of one that is withheld, or of none that is known. */
export type Standing = 'pinned' | 'held' | 'unknown';

/** @param forms of its server. @param name of a list's entry; "" of instructions. */
export function standingIn(
  forms: ServerForms,
  kind: DefinitionKind,
  name: string,
  text: string,
): Standing {
  const remembered = hash('sha256', text);
  const known = (forms.get(definitionKey(kind, name)) ?? []).filter(
    (form) => form.remembered === remembered,
  );
  if (known.length === 0) return 'unknown';
  return known.some(({ held }) => held === undefined) ? 'pinned' : 'held';
}
