/**
 * Records of what a person does by a command, beside gateways or without any. Each has a chain of its own,
 * `audit-cmd-<id>.jsonl`, so that no command waits for another one or for a gateway; its anchor lies in the
 * state directory as every other one does. Durable when `recordCommand` returns.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type AuditBody, type AuditEvent, commandSession } from '../../shared/model/audit.ts';
import { AuditStore } from '../../shared/platform/audit-store.ts';
import { attempt } from '../../shared/platform/errno.ts';
import { ownIdentity } from '../../shared/platform/identity.ts';
import { clip } from '../../shared/text/clean-text.ts';
import { boundedFacts } from '../../shared/text/facts.ts';
import { Redactor } from '../../shared/text/redact.ts';
import { loadPolicy } from '../config/policy.ts';
import { lookAtPrivate } from '../processes/private-directory.ts';
import { prepareStateDirectory, type StatePlace } from '../processes/state-directory.ts';
import { version } from '../version.ts';
import { sharedState } from './own-state.ts';
import type { Recorded } from './recorded.ts';

const MAX_NAME = 256;
const MAX_ERROR = 300;

/**
 * Records one act. Tell it before what it allows is done, so that no effect is without its record; what
 * makes rules stricter may be done first.
 *
 * @param event its facts are cut, and secrets that have a known shape are taken out.
 */
export function recordCommand(place: StatePlace, event: AuditEvent): Recorded {
  const dir = join(place.cwd, '.rea');
  const loaded = loadPolicy({ cwd: place.cwd, env: place.env, trustConfig: true });
  // A policy with a mistake in it turns nothing off.
  const policy = loaded.ok ? loaded.policy : null;
  if (policy?.audit.enabled === false) return { kind: 'off' };
  const refuse = policy?.audit.onFailure === 'deny';
  const failed = (why: string): Recorded => ({ kind: 'failed', why, refuse });
  // A file of ours in the directory of somebody else could not be read by the gateway there.
  const foreign = lookAtPrivate(dir);
  if (foreign !== null) return failed(`${dir}: ${foreign.message}`);
  const state = prepareStateDirectory(sharedState(place));
  const session = commandSession(randomUUID());
  const store = new AuditStore({
    dir,
    // As for a gateway: without it the log is written and has no anchor.
    stateDir: state.ok ? state.dir : null,
    session,
    bootId: ownIdentity().boot_id,
    about: { version: version() },
  });
  const body = bodyOf(session, event, policy?.autonomyLevel ?? null);
  const written = attempt(() => {
    store.open();
    store.append([body]);
    store.sync();
  });
  store.close();
  return written.ok ? { kind: 'recorded' } : failed(written.failure.message);
}

function bodyOf(
  session: string,
  { event, server, tool, status = 'allowed', error, facts = {} }: AuditEvent,
  level: string | null,
): AuditBody {
  const redactor = new Redactor({});
  const clean = (text: string, max: number) => clip(redactor.redact(clip(text, 4 * max)), max);
  // Whether somebody sat at a terminal says more than a name, which any program can give.
  const by = { uid: process.getuid?.() ?? null, pid: process.pid, terminal: isAtTerminal() };
  return {
    timestamp: new Date().toISOString(),
    session_id: session,
    tool_name: tool === undefined ? null : clean(tool, MAX_NAME),
    server_name: server === undefined ? null : clean(server, MAX_NAME),
    tier: null,
    status,
    autonomy_level: level,
    duration_ms: null,
    error: error === undefined ? undefined : clean(error, MAX_ERROR),
    metadata: { event, ...boundedFacts(facts, clean), by },
  };
}

function isAtTerminal(): boolean {
  return process.stdin.isTTY === true;
}
