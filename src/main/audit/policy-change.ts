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
  audit.setPolicy(
    // A program that a changed file alone could start is the one of the start, until the next one.
    { ...after.audit, anchorCommand: before.audit.anchorCommand },
    after.autonomyLevel,
    { event: 'policy', facts: { changed, loosened } },
  );
  if (loosened.length > 0) log.warn(`policy.yaml: looser than before: ${loosened.join(', ')}`);
  if (changes.some(({ key }) => key === 'audit.anchor_command')) {
    log.warn('from the next start of rea serve on: audit.anchor_command');
  }
}

/** Keys that calls and their records depend on. */
function changesOf(before: Policy, after: Policy): Change[] {
  const from = before.audit;
  const to = after.audit;
  const all: Change[] = [
    change('audit', onOff(from.enabled), onOff(to.enabled), from.enabled && !to.enabled),
    change('audit.on_failure', from.onFailure, to.onFailure, to.onFailure === 'warn'),
    change('audit.keep_mb', from.keepMb, to.keepMb, to.keepMb !== 0),
    change('audit.rotation.max_bytes', from.maxBytes, to.maxBytes, false),
    change('audit.rotation.max_age_days', from.maxAgeDays, to.maxAgeDays, false),
    change(
      'audit.anchor_command',
      from.anchorCommand?.[0] ?? null,
      to.anchorCommand?.[0] ?? null,
      false,
    ),
    change(
      'autonomy_level',
      before.autonomyLevel,
      after.autonomyLevel,
      after.autonomyLevel > before.autonomyLevel,
    ),
  ];
  const lessKept = to.keepMb !== 0 && (from.keepMb === 0 || to.keepMb < from.keepMb);
  return all
    .filter((one) => one.from !== one.to)
    .map((one) => (one.key === 'audit.keep_mb' ? { ...one, looser: lessKept } : one));
}

function change(key: string, from: unknown, to: unknown, looser: boolean): Change {
  return { key, from, to, looser };
}

function onOff(enabled: boolean): string {
  return enabled ? 'on' : 'off';
}
