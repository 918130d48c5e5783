/** How a log may end without anybody's doing: torn, ahead of its anchor, begun anew, with segments removed by rea. */
import {
  appendFileSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ANCHORS, commandSession, currentSegment } from '#src/shared/model/audit.ts';
import { prune } from '#src/workers/audit-writer/pruning.ts';
import { type AuditWorld, auditWorld, BOOT, body, filled } from '../../support/audit-world.ts';

const A = 'aaaaaaaa-0000';

const current = (world: AuditWorld): string => join(world.dir, currentSegment(A));
const anchor = (world: AuditWorld): string => join(world.stateDir, ANCHORS, `${A}.json`);

it('a gateway killed at any byte of a batch leaves a log that verifies, with at most one torn record', () => {
  const world = auditWorld();
  const store = world.store(A);
  store.append([body(A, 1)]);
  store.sync();
  const before = readFileSync(current(world)).length;
  store.append([body(A, 2), body(A, 3), body(A, 4)]);
  store.close();
  const whole = readFileSync(current(world));
  for (let bytes = before; bytes <= whole.length; bytes += 1) {
    truncateSync(current(world), bytes);
    const { broken, notes } = world.verify();
    expect(broken, `${bytes} bytes`).toEqual([]);
    expect(notes.length).toBe(whole[bytes - 1] === 0x0a ? 0 : 1);
    writeFileSync(current(world), whole);
  }
  truncateSync(current(world), before - 1);
  expect(world.verify().broken).toHaveLength(1);
});

it('a chain that is opened again goes on, and keeps a torn record where it is', () => {
  const world = auditWorld();
  const store = world.store(A);
  store.append([body(A, 1)]);
  store.sync();
  appendFileSync(current(world), '{"timestamp":"half');
  const again = world.store(A);
  again.append([body(A, 2)]);
  again.sync();
  expect(readdirSync(world.dir)).toHaveLength(2);
  expect(world.verify()).toMatchObject({ records: 4, broken: [], notes: [] });
  const [closed = ''] = readdirSync(world.dir).filter((name) => name !== currentSegment(A));
  truncateSync(join(world.dir, closed), readFileSync(join(world.dir, closed)).length - 3);
  expect(world.verify().broken).toHaveLength(1);
});

it('a thread lost between two segments is no gap', () => {
  const world = auditWorld();
  filled(world, A).rotate();
  rmSync(current(world));
  const store = world.store(A);
  store.append([body(A, 16)]);
  store.sync();
  expect(world.verify().broken).toEqual([]);
});

it('a log ahead of its anchor is broken, unless the machine has lost power', () => {
  const world = auditWorld();
  const store = world.store(A);
  store.sync();
  const older = readFileSync(anchor(world));
  store.append([{ ...body(A, 1), timestamp: new Date().toISOString() }]);
  store.sync();
  store.close();
  writeFileSync(anchor(world), older);
  expect(world.verify(BOOT).broken).toHaveLength(1);
  expect(world.verify('another boot')).toMatchObject({ broken: [], notes: [expect.any(String)] });
});

it('segments that rea has removed are not missed, and any other is', () => {
  const world = auditWorld();
  filled(world, A, 50).close();
  const other = 'bbbbbbbb-0000';
  filled(world, 'cccccccc-0000', 50).close();
  const store = world.store(other);
  const keepBytes = 60_000;
  const record = (facts: object) => {
    store.append([{ ...body(other, 1), metadata: { event: 'pruned', ...facts } }]);
    store.sync();
  };
  const options = { dir: world.dir, stateDir: world.stateDir, session: other, keepBytes };
  const count = () => readdirSync(world.dir).length;
  const all = count();
  prune(options, record);
  expect(count()).toBeLessThan(all);
  expect(count()).toBeGreaterThan(2);
  expect(world.verify().broken).toEqual([]);

  const [left = ''] = readdirSync(world.dir).filter((name) => !name.includes(other));
  rmSync(join(world.dir, left));
  expect(world.verify().broken).toHaveLength(1);
});

it('a command that has begun to record and has no record yet is no damage', () => {
  const world = auditWorld();
  filled(world, A).close();
  writeFileSync(join(world.stateDir, ANCHORS, `${commandSession('1')}.json`), '');
  expect(world.verify()).toMatchObject({ broken: [], notes: [] });
  writeFileSync(join(world.dir, currentSegment(commandSession('1'))), '');
  expect(world.verify().broken).toEqual([]);
});

it('what a command may still be writing is not removed, and goes like any other file later', () => {
  const world = auditWorld();
  filled(world, A).close();
  const store = world.store(commandSession('1'));
  store.append([body(commandSession('1'), 1)]);
  store.close();
  const file = currentSegment(commandSession('1'));
  const gone: string[] = [];
  const all = () =>
    prune({ dir: world.dir, stateDir: world.stateDir, session: A, keepBytes: 0 }, (facts) => {
      gone.push(...(facts['removed'] as { name: string }[]).map(({ name }) => name));
    });
  all();
  expect(gone).toHaveLength(2);
  expect(gone).not.toContain(file);
  const before = new Date(Date.now() - 120_000);
  utimesSync(join(world.dir, file), before, before);
  all();
  expect(gone.slice(2)).toEqual([file]);
});

it('a file that somebody puts beside that of a command is found', () => {
  const world = auditWorld();
  const session = commandSession('1');
  world.store(session).close();
  expect(world.verify()).toMatchObject({ files: 1, broken: [] });
  const file = join(world.dir, currentSegment(session));
  copyFileSync(file, join(world.dir, `audit-${session}-20260101-000000.jsonl`));
  expect(world.verify().broken).toHaveLength(1);
});
