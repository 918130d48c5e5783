/**
 * A change of the policy: what is different, what of it is looser than before, and that it holds. The change
 * itself is recorded, also when it turns the audit log off.
 */
import type { Policy } from '../config/policy.ts';
import type { Logger } from '../logger.ts';
import type { AuditLog } from './audit-log.ts';

interface Change {
  readonly key: string;
  readonly from: unknown;
  readonly to: unknown;
  readonly looser: boolean;
}

export function putPolicyInForce(
  audit: Pick<AuditLog, 'setPolicy'>,
  log: Pick<Logger, 'warn'>,
  before: Policy,
  after: Policy,
): void {
  const changes = changesOf(before, after);
  if (changes.length === 0) return;
  const loosened = changes.filter(({ looser }) => looser).map(({ key }) => key);
  const changed = changes.map(({ key, from, to }) => ({ key, from, to }));
  const event = { event: 'policy', facts: { changed, loosened } };
  audit.setPolicy(after.audit, after.autonomyLevel, event);
  if (loosened.length > 0) log.warn(`policy.yaml: looser than before: ${loosened.join(', ')}`);
  // A changed file alone starts no program.
  if (changes.some(({ key }) => key === 'audit.anchor_command')) {
    log.warn('from the next start of rea serve on: audit.anchor_command');
  }
}

/** Keys that calls and their records depend on. */
function changesOf(before: Policy, after: Policy): Change[] {
  const from = before.audit;
  const to = after.audit;
  const keepsLess = to.keepMb !== 0 && (from.keepMb === 0 || to.keepMb < from.keepMb);
  const all: Change[] = [
    {
      key: 'audit',
      from: onOff(from.enabled),
      to: onOff(to.enabled),
      looser: !to.enabled,
    },
    {
      key: 'audit.on_failure',
      from: from.onFailure,
      to: to.onFailure,
      looser: to.onFailure === 'warn',
    },
    { key: 'audit.keep_mb', from: from.keepMb, to: to.keepMb, looser: keepsLess },
    { key: 'audit.rotation.max_bytes', from: from.maxBytes, to: to.maxBytes, looser: false },
    {
      key: 'audit.rotation.max_age_days',
      from: from.maxAgeDays,
      to: to.maxAgeDays,
      looser: false,
    },
    {
      key: 'autonomy_level',
      from: before.autonomyLevel,
      to: after.autonomyLevel,
      looser: after.autonomyLevel > before.autonomyLevel,
    },
  ];
  const changed = all.filter((one) => one.from !== one.to);
  const programs = [from.anchorCommand, to.anchorCommand];
  const [old, other] = programs.map((command) => JSON.stringify(command));
  if (old === other) return changed;
  // Arguments may be secrets.
  const [program, next] = programs.map((command) => command?.[0] ?? null);
  return [...changed, { key: 'audit.anchor_command', from: program, to: next, looser: false }];
}

function onOff(enabled: boolean): string {
  return enabled ? 'on' : 'off';
}
