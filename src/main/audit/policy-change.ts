/**
 * A change of the policy: what is different, what became looser, and that it holds. The change itself is
 * recorded, also when it turns the audit log off.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Policy } from '../config/policy.ts';
import type { Logger } from '../logger.ts';
import type { AuditLog } from './audit-log.ts';

interface Change {
  readonly key: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** @param loosened what is allowed now that was not before, a line each: in the policies, or for single servers. */
export function putPolicyInForce(
  audit: Pick<AuditLog, 'setPolicy'>,
  log: Pick<Logger, 'warn'>,
  before: Policy,
  after: Policy,
  loosened: readonly string[],
): void {
  const changed = changesOf(before, after);
  if (changed.length === 0 && loosened.length === 0) return;
  audit.setPolicy(
    // A program that a changed file alone could start is the one of the start, until the next one.
    { ...after.audit, anchorCommand: before.audit.anchorCommand },
    after.autonomyLevel,
    { event: 'policy', facts: { changed, loosened } },
  );
  if (changed.some(({ key }) => key === ANCHOR_COMMAND)) {
    log.warn(`from the next start of rea serve on: ${ANCHOR_COMMAND}`);
  }
}

const ANCHOR_COMMAND = 'audit.anchor_command';

/** Keys that calls and their records depend on. Of lists how long they were and are. */
function changesOf(before: Policy, after: Policy): Change[] {
  return KEYS.flatMap(({ key, of, shown = of }) =>
    isDeepStrictEqual(of(before), of(after))
      ? []
      : [{ key, from: shown(before), to: shown(after) }],
  );
}

interface Key {
  readonly key: string;
  readonly of: (policy: Policy) => unknown;
  readonly shown?: (policy: Policy) => unknown;
}

const KEYS: readonly Key[] = [
  { key: 'audit', of: ({ audit }) => (audit.enabled ? 'on' : 'off') },
  { key: 'audit.on_failure', of: ({ audit }) => audit.onFailure },
  { key: 'audit.keep_mb', of: ({ audit }) => audit.keepMb },
  { key: 'audit.rotation.max_bytes', of: ({ audit }) => audit.maxBytes },
  { key: 'audit.rotation.max_age_days', of: ({ audit }) => audit.maxAgeDays },
  {
    key: ANCHOR_COMMAND,
    of: ({ audit }) => audit.anchorCommand,
    // Arguments may be secrets.
    shown: ({ audit }) => audit.anchorCommand?.[0] ?? null,
  },
  { key: 'autonomy_level', of: ({ autonomyLevel }) => autonomyLevel },
  { key: 'autonomy_level of the floor', of: ({ floorLevel }) => floorLevel?.level ?? null },
  { key: 'ask_timeout_ms', of: ({ askTimeoutMs }) => askTimeoutMs },
  { key: 'halt.cancel_in_flight', of: ({ cancelInFlight }) => cancelInFlight },
  { key: 'pins.programs', of: ({ pins }) => pins.programs },
  { key: 'push_gate', of: ({ pushGate }) => pushGate.map(({ at: _at, ...rule }) => rule) },
  { key: 'pins.definitions', of: ({ pins }) => pins.definitions },
  { key: 'redact.results', of: ({ redact }) => redact.results },
  { key: 'redact.arguments', of: ({ redact }) => redact.arguments },
  {
    key: 'redact.patterns',
    of: ({ redact }) => redact.patterns,
    shown: ({ redact }) => redact.patterns.length,
  },
  { key: 'injection_detection', of: ({ injection }) => injection },
  { key: 'ui.show_arguments', of: ({ showArguments }) => showArguments },
  {
    key: 'tools',
    of: ({ tools }) => tools.map(({ allow, deny }) => ({ allow, deny })),
    shown: ({ tools }) =>
      tools.reduce((sum, { allow, deny }) => sum + allow.length + deny.length, 0),
  },
  {
    key: 'blocked_paths',
    of: ({ blockedPaths }) => blockedPaths.map(({ pattern }) => pattern),
    shown: ({ blockedPaths }) => blockedPaths.length,
  },
];
