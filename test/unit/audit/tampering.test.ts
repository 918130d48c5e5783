/** What somebody may do to an audit log, in a thousand ways: verification finds each of them. */
import {
  appendFileSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { seal } from '#src/shared/machines/audit-chain.ts';
import { ANCHORS, type AuditBody, type ChainHead } from '#src/shared/model/audit.ts';
import { inOrder, segmentsIn, sha256 } from '#src/shared/platform/segment-scan.ts';
import { type AuditWorld, auditWorld, body, filled } from '../../support/audit-world.ts';

const A = 'aaaaaaaa-0000';
const B = 'bbbbbbbb-0000';

function filesOf({ dir }: AuditWorld, session: string): string[] {
  return inOrder(segmentsIn(dir).filter((one) => one.session === session)).map(({ name }) => name);
}

function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}

function put(path: string, lines: readonly string[]): void {
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
}

/** Makes the chain anew from a line on, as somebody who knows the format would. */
function recompute(lines: readonly string[], before: ChainHead): string[] {
  let head = before;
  return lines.map((line) => {
    const { hash: _hash, prev_hash: _prev, ...record } = JSON.parse(line);
    const sealed = seal(head, record as AuditBody, sha256);
    head = sealed.head;
    return sealed.line.slice(0, -1);
  });
}

/** Numbers that are the same in each run. */
function chances(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Tamper = (world: AuditWorld, pick: (below: number) => number) => void;

const anyFile = (world: AuditWorld, pick: (below: number) => number): string => {
  const files = filesOf(world, A);
  return join(world.dir, files[pick(files.length)] ?? '');
};

const TAMPERS: Record<string, Tamper> = {
  'a byte is changed': (world, pick) => {
    const path = anyFile(world, pick);
    const bytes = readFileSync(path);
    const at = pick(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(7));
    writeFileSync(path, bytes);
  },
  'the end is cut off': (world, pick) => {
    const path = join(world.dir, filesOf(world, A).at(-1) ?? '');
    truncateSync(path, pick(readFileSync(path).length));
  },
  'whole records are cut off': (world, pick) => {
    const path = anyFile(world, pick);
    const lines = linesOf(path);
    put(path, lines.slice(0, pick(lines.length)));
  },
  'two records are exchanged': (world, pick) => {
    const path = anyFile(world, pick);
    const lines = linesOf(path);
    const at = pick(lines.length - 1);
    [lines[at], lines[at + 1]] = [lines[at + 1] ?? '', lines[at] ?? ''];
    put(path, lines);
  },
  'a record is removed': (world, pick) => {
    const path = anyFile(world, pick);
    const lines = linesOf(path);
    lines.splice(pick(lines.length), 1);
    put(path, lines);
  },
  'a record is removed and the last chain made anew': (world, pick) => {
    const path = join(world.dir, filesOf(world, A).at(-1) ?? '');
    const lines = linesOf(path);
    const first = JSON.parse(lines[0] ?? '');
    lines.splice(1 + pick(lines.length - 1), 1);
    put(path, recompute(lines, { count: 0, hash: first.prev_hash }));
  },
  'a record is changed and the last chain made anew': (world, pick) => {
    const path = join(world.dir, filesOf(world, A).at(-1) ?? '');
    const lines = linesOf(path);
    const first = JSON.parse(lines[0] ?? '');
    const at = 1 + pick(lines.length - 1);
    lines[at] = (lines[at] ?? '').replace('"files"', '"other"');
    put(path, recompute(lines, { count: 0, hash: first.prev_hash }));
  },
  'a record of another log is put in': (world, pick) => {
    const path = anyFile(world, pick);
    const other = linesOf(join(world.dir, filesOf(world, B)[0] ?? ''));
    const lines = linesOf(path);
    lines.splice(pick(lines.length + 1), 0, other[pick(other.length)] ?? '');
    put(path, lines);
  },
  'a record is added at the end that follows on the last': (world) => {
    const path = join(world.dir, filesOf(world, A).at(-1) ?? '');
    const last = JSON.parse(linesOf(path).at(-1) ?? '');
    appendFileSync(path, seal({ count: 0, hash: last.hash }, body(A, 99), sha256).line);
  },
  'a file is emptied': (world, pick) => writeFileSync(anyFile(world, pick), ''),
  'a file is removed': (world, pick) => rmSync(anyFile(world, pick)),
  'all files are removed': (world) => {
    for (const name of filesOf(world, A)) rmSync(join(world.dir, name));
  },
  'the first files are removed': (world, pick) => {
    for (const name of filesOf(world, A).slice(0, 1 + pick(2))) rmSync(join(world.dir, name));
  },
  'two files are exchanged': (world, pick) => {
    const files = filesOf(world, A);
    const at = pick(files.length - 1);
    const [one, other] = [join(world.dir, files[at] ?? ''), join(world.dir, files[at + 1] ?? '')];
    renameSync(one, `${one}.x`);
    renameSync(other, one);
    renameSync(`${one}.x`, other);
  },
  'a file takes the place of another log': (world) => {
    copyFileSync(
      join(world.dir, filesOf(world, B).at(-1) ?? ''),
      join(world.dir, filesOf(world, A).at(-1) ?? ''),
    );
  },
  'a log that nobody here has written is put beside it': (world) => {
    const lines = recompute(linesOf(join(world.dir, filesOf(world, B)[0] ?? '')), {
      count: 0,
      hash: '0'.repeat(64),
    });
    put(join(world.dir, 'audit-cccccccc-0000.jsonl'), lines);
  },
  'the anchor is an older one': (world, pick) => {
    const path = join(world.stateDir, ANCHORS, `${A}.json`);
    const lines = filesOf(world, A).flatMap((name) => linesOf(join(world.dir, name)));
    const count = 1 + pick(lines.length - 1);
    const { hash } = JSON.parse(lines[count - 1] ?? '');
    const anchor = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(
      path,
      JSON.stringify({ ...anchor, before: { count, hash }, after: { count, hash } }),
    );
  },
  'the anchor is damaged': (world, pick) => {
    const path = join(world.stateDir, ANCHORS, `${A}.json`);
    const text = readFileSync(path, 'utf8').trimEnd();
    writeFileSync(path, text.slice(0, 1 + pick(text.length - 1)));
  },
  'the anchor is gone': (world) => rmSync(join(world.stateDir, ANCHORS, `${A}.json`)),
};

it('a log that nobody has touched is clean', () => {
  const world = auditWorld();
  filled(world, A);
  filled(world, B);
  expect(world.verify()).toEqual({ files: 6, records: 36, broken: [], notes: [] });
});

it.each(Object.entries(TAMPERS))('%s', (_, tamper) => {
  const pick = chances(20_260_101);
  const original = auditWorld();
  filled(original, A).close();
  filled(original, B).close();
  const kept = [original.dir, join(original.stateDir, ANCHORS)].map((dir) => ({
    dir,
    files: readdirSync(dir).map((name) => ({ name, bytes: readFileSync(join(dir, name)) })),
  }));
  for (let time = 0; time < 60; time += 1) {
    tamper(original, pick);
    const { broken } = original.verify();
    expect(broken.length, `time ${time}`).toBeGreaterThan(0);
    for (const { dir, files } of kept) {
      for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true });
      for (const { name, bytes } of files) writeFileSync(join(dir, name), bytes);
    }
  }
});
