/** What `rea status` says of `policy.yaml`, of the audit log and of its writer. */
import { createHash } from 'node:crypto';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AUDIT_OFF, type AuditRecord } from '#src/shared/model/audit.ts';
import {
  fromNow,
  GONE,
  instance,
  LIVING,
  project,
  SESSION,
  snapshot,
  status,
  statusJson,
} from './project.ts';

describe('policy', () => {
  it('reads profile, autonomy level and blocked paths', () => {
    const { cwd, write } = project();
    write('policy.yaml', 'profile: strict\nautonomy_level: L1\nblocked_paths:\n  - a\n  - b\n');
    write('HALT', ' deploy freeze\n');
    expect(statusJson(cwd).report.policy).toEqual({
      profile: 'strict',
      autonomy_level: 'L1',
      floor: null,
      blocked_paths_count: 2,
      halt_active: true,
      halt_reason: 'deploy freeze',
    });
    expect(status(cwd).text).toContain('policy strict: autonomy L1, 2 blocked paths');
  });

  it('follows a link, as the gateway does', () => {
    const { cwd, write } = project();
    write('kept/elsewhere.yaml', 'max_autonomy_level: L0\nautonomy_level: L2\n');
    symlinkSync(join(cwd, '.rea', 'kept', 'elsewhere.yaml'), join(cwd, '.rea', 'policy.yaml'));
    expect(statusJson(cwd).report.policy).toMatchObject({ autonomy_level: 'L0' });
  });

  it.each([
    ['not YAML', 'a: [b'],
    ['not a mapping', '- a'],
    ['aliases without bound', `a: &a [x]\n${bomb()}`],
    ['nesting without bound', '['.repeat(10_000)],
  ])('names a file that is %s in one line', (_name, text) => {
    const { cwd, write } = project();
    write('policy.yaml', text);
    expect(status(cwd).text).toMatch(/^policy\.yaml cannot be used: .+$/m);
    expect(statusJson(cwd).report.policy).toMatchObject({ profile: null, blocked_paths_count: 0 });
  });
});

function bomb(): string {
  const names = 'abcdefghij';
  return names
    .slice(1)
    .split('')
    .map((name, i) => `${name}: &${name} [${`*${names[i]},`.repeat(9)}*${names[i]}]`)
    .join('\n');
}

describe('rules that have become looser', () => {
  it('are said one by one, with the time', () => {
    const { cwd, write } = project();
    const lines = ['autonomy_level: L1 → L3', 'tools.deny: no longer "x__\u001b[31m"'];
    const reload = { problems: null, waiting: [], more: 0 };
    const since = fromNow(-90_000);
    write('serve.state.json', snapshot({ reload: { ...reload, loosened: { lines, since } } }));
    const { text } = status(cwd);
    expect(text).toMatch(
      /^ *policy: looser than before \(.*ago\):\n *autonomy_level: L1 → L3\n *tools\.deny: no longer "x__�\[31m"$/m,
    );
    write('serve.state.json', snapshot({ reload }));
    expect(status(cwd).text).not.toContain('looser');
  });
});

describe('the audit log', () => {
  const record = (n: number): string => {
    const body = JSON.stringify({ timestamp: `2026-01-0${n}T00:00:00.000Z`, tool_name: 'x' });
    const hash = createHash('sha256').update(body).digest('hex');
    return `${body.slice(0, -1)},"hash":"${hash}"}\n`;
  };
  const audit = (cwd: string): unknown => statusJson(cwd).report.audit;

  it('counts records and checks the hash of the last one', () => {
    const { cwd, write } = project();
    write('audit.jsonl', record(1) + record(2));
    const good = { present: true, lines: 2, last_timestamp: '2026-01-02T00:00:00.000Z' };
    expect(audit(cwd)).toEqual({ ...good, tail_hash_looks_valid: true });
    write('audit.jsonl', record(1) + record(2).replace('"x"', '"y"'));
    expect(audit(cwd)).toEqual({ ...good, tail_hash_looks_valid: false });
  });

  it('reports a torn tail and an empty file', () => {
    const { cwd, write } = project();
    write('audit.jsonl', record(1) + record(2).slice(0, 40));
    const torn = { present: true, lines: 2, last_timestamp: null, tail_hash_looks_valid: false };
    expect(audit(cwd)).toEqual(torn);
    write('audit.jsonl', '');
    expect(audit(cwd)).toMatchObject({ present: true, lines: 0, tail_hash_looks_valid: false });
  });

  it('follows a link to a segment beside it and to nothing else', () => {
    const { cwd, write } = project();
    write('audit-abc.jsonl', record(1));
    symlinkSync('audit-abc.jsonl', join(cwd, '.rea/audit.jsonl'));
    expect(audit(cwd)).toMatchObject({ present: true, lines: 1, tail_hash_looks_valid: true });
  });
});

describe('the log of each living gateway', () => {
  const seen = (text: string, identity = LIVING) => {
    const { cwd, write } = project();
    const other = '3b0c5a4e-0000-4000-8000-000000000002';
    write('serve.state.json', snapshot());
    write(`run/${SESSION}.json`, instance());
    write(`run/${other}.json`, instance({ ...identity, session_id: other }));
    write(`run/${other}.state.json`, snapshot({ session_id: other }));
    const body = '{"timestamp":"2026-01-01T00:00:00.000Z"}';
    const hash = createHash('sha256').update(body).digest('hex');
    const whole = `${body.slice(0, -1)},"hash":"${hash}"}\n`;
    write(`audit-${SESSION}.jsonl`, whole);
    write(`audit-${other}.jsonl`, text.replace('WHOLE', whole));
    return status(cwd);
  };
  const WRONG =
    /^ *the last record of its audit log does not carry its own hash; see rea audit verify$/gm;

  it.each(['WHOLE', 'WHOLE{"timestamp":"half', 'no newline yet', ''])(
    'is right with %j',
    (text) => {
      expect([seen(text).exit, seen(text).text.match(WRONG)]).toEqual([0, null]);
    },
  );

  it.each(['WHOLEforged\n', '\n', 'WHOLE{"hash":"00"}\n{"half'])('is wrong with %j', (text) => {
    const { exit, text: shown } = seen(text);
    expect([exit, shown.match(WRONG)?.length]).toEqual([1, 1]);
  });

  it('says nothing of one that is gone', () => {
    expect(seen('forged\n', GONE).text).not.toMatch(WRONG);
  });
});

describe('the writer of the audit log', () => {
  const said = (changes: Partial<AuditRecord>): string => {
    const { cwd, write } = project();
    write('serve.state.json', snapshot({ audit: { ...AUDIT_OFF, state: 'on', ...changes } }));
    return status(cwd).text;
  };

  it('is not mentioned while all is recorded', () => {
    expect(said({ records: 9, lag_ms: 999 })).not.toContain('audit log');
  });

  it('says since when and why it cannot write', () => {
    const error = 'ENOSPC: no space left on device, write';
    expect(said({ state: 'failing', error, since: fromNow(-90_000) })).toMatch(
      /^ *the audit log CANNOT BE WRITTEN since .*ago: ENOSPC: no space left on device, write$/m,
    );
  });

  it('says how many records are lost, and how far it is behind', () => {
    expect(said({ lost: 3 })).toMatch(/^ *3 records of the audit log lost in this run$/m);
    expect(said({ lag_ms: 2000 })).toMatch(/^ *the audit log is behind by 2 s$/m);
  });
});
