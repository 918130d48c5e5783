/** An audit log made by the real store, without a gateway, for tests that tamper with it. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Verified, verifyDirectory } from '#src/main/audit/verify.ts';
import type { AuditBody } from '#src/shared/model/audit.ts';
import { AuditStore } from '#src/shared/platform/audit-store.ts';

export const BOOT = 'boot-1';

export interface AuditWorld {
  /** The `.rea` and the state directory of a project. */
  readonly dir: string;
  readonly stateDir: string;
  /** Opens the chain of a session; closed with the test. */
  store(session: string): AuditStore;
  verify(bootId?: string): Verified;
}

export function auditWorld(): AuditWorld {
  const root = mkdtempSync(join(tmpdir(), 'rea-audit-'));
  const dir = join(root, '.rea');
  const stateDir = join(root, 'state');
  mkdirSync(dir);
  mkdirSync(stateDir);
  const stores: AuditStore[] = [];
  onTestFinished(() => {
    for (const store of stores) store.close();
    rmSync(root, { recursive: true, force: true });
  });
  return {
    dir,
    stateDir,
    store: (session) => {
      const store = new AuditStore({ dir, stateDir, session, bootId: BOOT, about: {} });
      stores.push(store);
      store.open();
      return store;
    },
    verify: (bootId = BOOT) => verifyDirectory({ dir, stateDir, bootId, onRead: () => {} }),
  };
}

export function body(session: string, n: number): AuditBody {
  return {
    timestamp: new Date(Date.UTC(2026, 0, 1) + n).toISOString(),
    session_id: session,
    tool_name: 'write',
    server_name: 'files',
    tier: 'write',
    status: 'allowed',
    autonomy_level: 'L3',
    duration_ms: null,
    metadata: { event: 'begin', call: n, seq: n },
  };
}

/** Three segments with records of one session, all durable. */
export function filled(world: AuditWorld, session: string, each = 5): AuditStore {
  const store = world.store(session);
  let n = 0;
  for (let segment = 0; segment < 3; segment += 1) {
    if (segment > 0) store.rotate();
    for (let i = 0; i < each; i += 1) store.append([body(session, (n += 1))]);
  }
  store.sync();
  return store;
}
