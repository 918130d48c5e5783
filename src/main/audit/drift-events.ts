/** What is told of definitions that were not known: a record in the audit log for each list, and a line in the log. */
import type { AuditEvent } from '../../shared/model/audit.ts';
import { cleanForTerminal, clip } from '../../shared/text/clean-text.ts';
import type { Settled } from '../catalog/pins.ts';
import { firstNames } from '../config/first-of.ts';
import type { Logger } from '../logger.ts';
import { KIND_WORDS, pinsCommand, reasonWords, softRules, typedName } from '../pins/held-words.ts';

const MAX_NAME = 128;
const MAX_NAMED = 5;

export function tellDrift(
  { server, kind, isFirst, news }: Settled,
  audit: { event(event: AuditEvent): void },
  log: Pick<Logger, 'info' | 'warn'>,
): void {
  const held = news.filter(({ form }) => form.held !== undefined);
  const served = news.filter(({ form }) => form.held === undefined);
  const names = (those: Settled['news']) => firstNames(those.map(({ name }) => shown(name)));
  const facts = {
    what: 'definition',
    kind,
    pinned: names(served),
    withheld: names(held),
    why: [...new Set(held.map(({ form }) => form.held))],
  };
  audit.event({
    event: isFirst ? 'pinned' : 'drift',
    server,
    status: held.length > 0 ? 'denied' : 'allowed',
    facts,
  });
  const many = (count: number) =>
    `${count} ${KIND_WORDS[kind]}${count === 1 || kind === 'instructions' ? '' : 's'}`;
  if (served.length > 0) {
    const unjudged = served.filter(({ form }) => form.verdict === undefined).length;
    const doubt = unjudged === 0 ? '' : `; ${unjudged} of them could not be judged`;
    if (isFirst) {
      const line = `pinned ${many(served.length)} as they came first${doubt}`;
      if (unjudged > 0) log.warn({ server }, line);
      else log.info({ server }, line);
    } else {
      const what = `${many(served.length)} changed or new, pinned anew: ${list(served)}`;
      log.warn({ server }, `${what}; to look: ${pinsCommand('diff', server, null)}`);
    }
  }
  const warned = served.filter(({ form }) => softRules(form).length > 0);
  if (warned.length > 0) {
    const rules = [...new Set(warned.flatMap(({ form }) => softRules(form)))].join(', ');
    const what = `listed, though it may mean to steer the model (${rules}): ${list(warned)}`;
    log.warn(
      { server, kind },
      `${what}; read what it says, and deny it (tools.deny) if that is not wanted`,
    );
  }
  if (held.length === 0) return;
  const [first] = held;
  const why = first === undefined ? '' : reasonWords(first.form);
  const [only] = held.length === 1 ? held : [];
  const typed = only === undefined ? null : typedName(kind, only.name);
  const what = `withheld: ${many(held.length)} (${list(held)}): ${why}`;
  log.warn(
    { server },
    `${what}; to look: ${pinsCommand('diff', server, typed)}; to accept: ${pinsCommand('accept', server, typed)}`,
  );
}

function list(those: Settled['news']): string {
  const named = those.slice(0, MAX_NAMED).map(({ name }) => JSON.stringify(shown(name)));
  const more = those.length - named.length;
  return `${named.join(', ')}${more === 0 ? '' : ` and ${more} more`}`;
}

function shown(name: string): string {
  return cleanForTerminal(clip(name, MAX_NAME));
}
