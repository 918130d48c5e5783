/** What `rea status` says of `policy.yaml` and of the audit log. */
import { createHash } from 'node:crypto';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { project, status, statusJson } from './project.ts';

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
