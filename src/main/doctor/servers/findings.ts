/** What is wrong with a server that was started once, or worth knowing of it. Pure. */
import type { SupervisorRecord } from '../../../shared/model/snapshot.ts';
import { causeOf } from '../../causes/causes.ts';
import { TROUBLES, type TroubleCode } from '../../causes/found.ts';
import { firstNames } from '../../config/first-of.ts';
import { plural } from '../../status/words.ts';
import { type Finding, finding, shownText } from '../finding.ts';
import type { Examined } from './examined.ts';
import type { Offer } from './offers.ts';
import { EOF_MS, MOST_START_MS } from './once.ts';

/** A model reads so many tokens of one server's tools in every conversation: worth a word. */
const MANY_TOKENS = 20_000;
const SHORT_PREFIX = 8;

/** The same cause, in the same words, as `rea status` has for this record. */
export function troubleOf(server: string, record: SupervisorRecord): Finding | null {
  const cause = causeOf(record);
  if (cause === null) return null;
  const code = codeOf(record);
  return {
    severity: 'error',
    subject: server,
    what: TROUBLES[code],
    why: shownText(cause.why),
    action: cause.action === null ? null : shownText(cause.action),
    code,
  };
}

/** @param offer null: it does not serve. */
export function findingsOf(examined: Examined, offer: Offer | null): Finding[] {
  const { server, record, exitsOnEof, leftRunning, noiseLines } = examined;
  const { name, prefix } = server;
  const findings: (Finding | null)[] = [
    startFinding(examined),
    // Where that is why it does not serve, the cause has said it.
    examined.serves && noiseLines > 0 ? finding('noise', name, plural(noiseLines, 'line')) : null,
    record.withheld_why === null
      ? null
      : finding('withheld', name, entries(record.withheld), record.withheld_why),
    ...(offer === null ? [] : offered(name, prefix, offer)),
    exitsOnEof === false ? finding('stays', name, String(EOF_MS / 1000)) : null,
    leftRunning.length === 0
      ? null
      : finding('left_running', name, leftRunning.map(({ program }) => program).join(', ')),
  ];
  return findings.filter((one) => one !== null);
}

/** Where the doctor had less patience than a gateway has, nothing is proved. */
function startFinding({ server, record, unclearMs }: Examined): Finding | null {
  const trouble = troubleOf(server.name, record);
  const isCut = trouble?.code === 'start_timeout' && server.startTimeoutMs > MOST_START_MS;
  const waitedMs = isCut ? MOST_START_MS : unclearMs;
  if (waitedMs === null || (trouble !== null && !isCut)) return trouble;
  return finding('unclear', server.name, String(Math.round(waitedMs / 1000)));
}

function offered(name: string, prefix: string, offer: Offer): (Finding | null)[] {
  const { longNames, collisions, tokens, tools } = offer;
  return [
    ...collisions.map((message) => finding('collision', name, message)),
    longNames.length === 0
      ? null
      : finding(
          'long_names',
          name,
          firstNames(longNames.map((one) => shownText(one).slice(0, 100))).join(', '),
          (prefix === '' ? name : prefix).slice(0, SHORT_PREFIX),
        ),
    tokens < MANY_TOKENS
      ? null
      : finding('many_tokens', name, plural(tools, 'tool'), tokens.toLocaleString('en')),
  ];
}

function codeOf({ phase, incarnation, last_exit }: SupervisorRecord): TroubleCode {
  if (phase === 'blocked') return 'blocked';
  if (phase === 'failed' && incarnation === 0) return 'entry';
  if (phase === 'ready' || phase === 'idle') return 'lists';
  const reason = last_exit?.reason ?? 'exit';
  return reason in TROUBLES ? (reason as TroubleCode) : 'exit';
}

function entries(count: number): string {
  return count === 0 ? 'some entries' : `${count} ${count === 1 ? 'entry' : 'entries'}`;
}
