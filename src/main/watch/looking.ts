/**
 * The facts of `rea status`, again and again: looks four times a second whether a file has changed or a process
 * has ended, and reads only then. Asks no gateway.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessIdentity } from '../../shared/model/snapshot.ts';
import { unlessRefused } from '../../shared/platform/errno.ts';
import { systemReader } from '../../shared/platform/identity.ts';
import { isTailRight, readAudit } from '../status/audit.ts';
import { type AuditLook, atTime, collect, type Facts, floorPath } from '../status/collect.ts';
import { readInstanceFiles, readState } from '../status/gateway-files.ts';
import { systemJudges } from '../status/liveness.ts';
import { Remembered } from './remembered.ts';

/** Between two looks, milliseconds. */
export const LOOK_MS = 250;
/** Where there is no `/proc`, a program has to be started for each look at a process. */
const LIVES_MS = process.platform === 'linux' ? 0 : 2000;
/** An audit log grows with every call, and says little here. */
const AUDIT_MS = 5000;

export class Looking {
  readonly #cwd: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #judges = systemJudges(systemReader());
  readonly #audits: AuditLook;
  #facts: Facts | null = null;
  #seen = '';
  #identities: readonly ProcessIdentity[] = [];
  #lives = '';
  #livesAt = Number.NEGATIVE_INFINITY;

  /** @param cwd absolute directory that holds `.rea`. @param audit looks at its audit log. */
  constructor(
    cwd: string,
    env: NodeJS.ProcessEnv,
    audit: (dir: string) => ReturnType<typeof readAudit> = readAudit,
  ) {
    this.#cwd = cwd;
    this.#env = env;
    const logs = new Remembered<ReturnType<typeof readAudit>>(AUDIT_MS);
    const tails = new Remembered<boolean | null>(AUDIT_MS);
    this.#audits = {
      log: (dir) => logs.get('', () => audit(dir)),
      tail: (dir, session) => tails.get(session, () => isTailRight(dir, session)),
    };
  }

  /** @param now Unix time in milliseconds. @returns `isNew`: something else than the time has changed. */
  look(now: number): { readonly facts: Facts; readonly isNew: boolean } {
    const dir = join(this.#cwd, '.rea');
    const seen = `${this.#filesOf(dir)}\n${this.#livesOf()}`;
    if (this.#facts !== null && seen === this.#seen) {
      this.#facts = atTime(this.#facts, now);
      return { facts: this.#facts, isNew: false };
    }
    // What changes while it is read is different at the next look.
    this.#seen = seen;
    this.#facts = collect(this.#cwd, now, this.#env, this.#audits);
    const state = readState(dir);
    const owner = state.kind === 'read' ? state.view.owner : null;
    const others = readInstanceFiles(dir).map(({ view }) => view?.identity ?? null);
    this.#identities = [owner, ...others].filter((one) => one !== null);
    return { facts: this.#facts, isNew: true };
  }

  /** Whatever a gateway writes, or a person: a directory changes with each file that is made or replaced in it. */
  #filesOf(dir: string): string {
    const run = join(dir, 'run');
    const names = unlessRefused<string[]>([], () => readdirSync(run).sort());
    return [
      dir,
      floorPath(this.#env),
      ...OWN_FILES.map((name) => join(dir, name)),
      ...names.map((name) => join(run, name)),
    ]
      .map(signOf)
      .join(' ');
  }

  #livesOf(): string {
    const now = performance.now();
    if (now - this.#livesAt >= LIVES_MS) {
      this.#livesAt = now;
      this.#lives = this.#identities.map((one) => this.#judges.holder(one)).join(' ');
    }
    return this.#lives;
  }
}

const OWN_FILES = ['serve.state.json', 'serve.pid', 'HALT', 'policy.yaml'];

function signOf(path: string): string {
  const stats = unlessRefused(undefined, () => lstatSync(path, { throwIfNoEntry: false }));
  return stats === undefined ? '-' : `${stats.ino}:${stats.size}:${stats.mtimeMs}`;
}
