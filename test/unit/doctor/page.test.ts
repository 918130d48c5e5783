/** The page of the doctor: no line is wider than the terminal, whatever is found, and the worst comes first. */
import fc from 'fast-check';
import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { type Finding, finding } from '#src/main/doctor/finding.ts';
import { doctorPage } from '#src/main/doctor/page.ts';
import { notStarted, reportOf, type ServerReport } from '#src/main/doctor/report.ts';
import { paintFor } from '#src/main/status/colours.ts';

const plain = paintFor(false, {});

function page(
  servers: readonly ServerReport[],
  findings: readonly Finding[],
  width = Number.POSITIVE_INFINITY,
): string {
  const seen = { version: '1', cwd: '/p', gateways: [], servers, findings };
  return doctorPage(reportOf(seen), width, plain);
}

const ok: ServerReport = {
  ...notStarted('files', false),
  state: 'ok',
  tools: 14,
  tokens: 2310,
  ready_ms: 1400,
  rss_mb: 61,
};

test('calm where all is well: a line for each server', () => {
  expect(page([ok], [])).toBe(
    'rea doctor  1 of 1 server serve, nothing to mend\n\nok files  14 tools, 2,310 tokens, 1.4 s, 61 MB\n',
  );
});

test('what is worst stands first, with what to do; notes are nothing to mend', () => {
  const findings = [
    finding('stays', 'files', '2'),
    finding('noise', 'files', '3 lines'),
    finding('halted', null, 'a bad release'),
    finding('not_writable', null, '/p/.rea', 'EROFS: read-only file system'),
  ];
  const [first = '', ...rest] = page([ok], findings).split('\n');
  expect(first).toBe('rea doctor  1 of 1 server serve, 1 error, 2 warnings, 1 note');
  expect(rest.filter((line) => /^[✗!·] /.test(line))).toEqual([
    '✗ /p/.rea cannot be written',
    '! the kill switch is set: every call is refused',
    '! files: it prints what is not a message to stdout',
    '· files: it goes on after the end of its input',
  ]);
  expect(rest).toContain('  → rea unfreeze');
  expect(reportOf({ version: '1', cwd: '/', gateways: [], servers: [], findings }).exit_code).toBe(
    1,
  );
  const notes = findings.slice(0, 1);
  expect(page([ok], notes)).toContain('nothing to mend, 1 note');
  expect(
    reportOf({ version: '1', cwd: '/', gateways: [], servers: [], findings: notes }).exit_code,
  ).toBe(0);
});

test('no line is wider than the terminal, and nothing of a text reaches it as it is', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.constantFrom(
      '界'.repeat(200),
      '\u001b[2J\u202e\u009b',
      'e\u0301'.repeat(100),
      '👩‍👩‍👧 '.repeat(40),
    ),
  );
  const names = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/);
  fc.assert(
    fc.property(fc.integer({ min: 40, max: 200 }), names, texts, texts, (width, name, a, b) => {
      const findings = [finding('directory', name, a, b, a), finding('collision', name, b)];
      const servers = [{ ...ok, name }, notStarted(`${name}x`.slice(0, 32), true)];
      for (const line of page(servers, findings, width).trimEnd().split('\n')) {
        expect(stringWidth(line)).toBeLessThanOrEqual(width);
        // oxlint-disable-next-line no-control-regex
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
      }
    }),
    { numRuns: 60 },
  );
});

test('what is found is bounded, however much was said', () => {
  const { what, why, action } = finding('directory', 'x', 'a'.repeat(1e6), 'b'.repeat(1e6), 'c');
  expect([what, why, action].join('').length).toBeLessThan(2200);
});
