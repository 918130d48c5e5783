/**
 * What servers tell the model and a person should look at: reads it from the state file, field by field, and makes the
 * text of `rea status`. Every text is bounded and goes through `shown`.
 */
import { DEFINITION_KINDS } from '../../shared/machines/drift.ts';
import { pinsCommand, shownDefinition } from '../pins/held-words.ts';
import { count, fieldsOf, iso, listOf, oneOf, text } from '../processes/fields.ts';
import type { Line } from './paint.ts';
import { plural, relative, shown } from './words.ts';

/** The keys of `rea status --json`. */
export type DefinitionsView = ReturnType<typeof definitionsView>;

const MOST = 64;
/** Definitions shown without `--verbose`. */
const FIRST = 10;
const MOST_RULES = 5;
const SERVER_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** @param value `definitions` of a state file; without it nothing waits. */
export function definitionsView(value: unknown) {
  const fields = fieldsOf(value) ?? {};
  const listed = (key: string) => (listOf(fields[key]) ?? []).slice(0, MOST);
  return {
    withheld: listed('withheld').map((one) => {
      const { server, kind, name, hash, why, since } = fieldsOf(one) ?? {};
      return {
        server: serverName(server),
        kind: oneOf(DEFINITION_KINDS, kind),
        name: text(name),
        hash: text(hash),
        why: text(why),
        since: iso(since),
      };
    }),
    more: count(fields['more']),
    changed: listed('changed').map((one) => {
      const { server, kind, since, ...rest } = fieldsOf(one) ?? {};
      return {
        server: serverName(server),
        kind: oneOf(DEFINITION_KINDS, kind),
        count: count(rest['count']),
        since: iso(since),
      };
    }),
    findings: listed('findings').map((one) => {
      const { server, kind, name, rules, since } = fieldsOf(one) ?? {};
      return {
        server: serverName(server),
        kind: oneOf(DEFINITION_KINDS, kind),
        name: text(name),
        rules: (listOf(rules) ?? []).slice(0, MOST_RULES).flatMap((rule) => text(rule) ?? []),
        since: iso(since),
      };
    }),
  };
}

/** It is put into a command to paste. */
function serverName(value: unknown): string | null {
  const name = text(value);
  return name !== null && SERVER_NAME.test(name) ? name : null;
}

export function definitionLines(view: DefinitionsView, now: number, verbose: boolean): Line[] {
  return [
    ...withheldLines(view, now, verbose),
    ...findingLines(view, now, verbose),
    ...changedLines(view, now),
  ];
}

function findingLines({ findings }: DefinitionsView, now: number, verbose: boolean): Line[] {
  if (findings.length === 0) return [];
  const first = verbose ? findings : findings.slice(0, FIRST);
  const others = findings.length - first.length;
  const count = plural(findings.length, 'definition');
  return [
    { text: `listed, though it may mean to steer the model: ${count}`, tone: 'warn' },
    ...first.map(({ server, kind, name, rules, since }) => {
      const what = shownDefinition(shown(server, 32), kind ?? 'tool', shown(name, 64));
      const which = rules.map((rule) => shown(rule, 32)).join(', ');
      return { text: `  ${what}, ${relative(since, now)}: ${which}` };
    }),
    ...(others === 0 ? [] : [{ text: `  and ${others} more` }]),
    { text: '  → read what it says; to deny a tool: tools.deny of its server' },
  ];
}

function withheldLines({ withheld, more }: DefinitionsView, now: number, verbose: boolean): Line[] {
  if (withheld.length === 0) return [];
  const first = verbose ? withheld : withheld.slice(0, FIRST);
  const others = withheld.length - first.length + more;
  const servers = new Set(withheld.flatMap(({ server }) => server ?? []));
  return [
    { text: `withheld: ${plural(withheld.length + more, 'definition')} not listed`, tone: 'bad' },
    ...first.map(({ server, kind, name, why, since }) => {
      const what = shownDefinition(shown(server, 32), kind ?? 'tool', shown(name, 64));
      return { text: `  ${what}, ${relative(since, now)}: ${shown(why, 400)}` };
    }),
    ...(others === 0 ? [] : [{ text: `  and ${others} more` }]),
    ...[...servers].slice(0, FIRST).map((server) => ({
      text: `  → to look: ${pinsCommand('diff', server, null)}; to accept: ${pinsCommand('accept', server, null)}`,
    })),
  ];
}

function changedLines({ changed }: DefinitionsView, now: number): Line[] {
  if (changed.length === 0) return [];
  return [
    { text: 'definitions that have changed in the last seven days:', tone: 'warn' },
    ...changed.map(({ server, kind, count: many, since }) => {
      const what = `${many} of kind ${kind ?? '–'}`;
      const command = server === null ? '' : `; to look: ${pinsCommand('diff', server, null)}`;
      return { text: `  ${shown(server, 32)}: ${what}, ${relative(since, now)}${command}` };
    }),
  ];
}
