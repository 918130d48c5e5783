/** The page of `rea doctor`: what is to be mended first, then a line for each server. Pure. */

import type { Paint, Tone } from '../status/colours.ts';
import { columnsOf, cutMiddle, pad } from '../status/layout.ts';
import { type Line, paintLines, type Row } from '../status/paint.ts';
import { megabytes, plural, shown } from '../status/words.ts';
import type { Finding } from './finding.ts';
import type { DoctorReport, ServerReport } from './report.ts';

const SIGNS = { error: '✗', warning: '!', note: '·' } as const;
const TONES = { error: 'bad', warning: 'warn', note: 'dim' } as const satisfies Record<
  Finding['severity'],
  Tone
>;
const WORDS: Readonly<Record<ServerReport['state'], readonly [word: string, tone: Tone]>> = {
  ok: ['ok', 'good'],
  failed: ['failed', 'bad'],
  not_started: ['not started', 'dim'],
};
const LONGEST_NAME = 32;
/** More of it is in the JSON. */
const LONGEST_WHY = 400;

export function doctorPage(report: DoctorReport, width: number, paint: Paint): string {
  const { findings, servers, gateways } = report;
  const lines: (Line | Row)[] = [
    { text: `rea doctor  ${summary(report)}`, tone: 'title' },
    ...gateways.map(({ pid }) => ({
      text: `a gateway runs here (pid ${pid ?? 'unknown'}): it is left alone, its servers are started a second time`,
      tone: 'dim' as const,
    })),
  ];
  for (const severity of ['error', 'warning', 'note'] as const) {
    const some = findings.filter((one) => one.severity === severity);
    if (some.length === 0) continue;
    lines.push({ text: '' });
    for (const one of some) lines.push(...findingLines(one));
  }
  if (servers.length > 0) lines.push({ text: '' }, ...serverRows(servers, width));
  return paintLines(lines, width, paint);
}

function summary({ servers, findings }: DoctorReport): string {
  const count = (severity: Finding['severity']) =>
    findings.filter((one) => one.severity === severity).length;
  const serving = servers.filter(({ state }) => state === 'ok').length;
  const served =
    servers.length === 0 ? 'no server' : `${serving} of ${plural(servers.length, 'server')} serve`;
  const [errors, warnings, notes] = [count('error'), count('warning'), count('note')];
  const parts = [
    errors === 0 ? '' : plural(errors, 'error'),
    warnings === 0 ? '' : plural(warnings, 'warning'),
    notes === 0 ? '' : plural(notes, 'note'),
  ].filter((part) => part !== '');
  const mend = errors + warnings === 0 ? 'nothing to mend' : '';
  return [served, mend, ...parts].filter((part) => part !== '').join(', ');
}

function findingLines({ severity, subject, what, why, action }: Finding): Line[] {
  const about = subject === null ? '' : `${shown(subject, LONGEST_NAME)}: `;
  const tone = TONES[severity];
  return [
    { text: `${SIGNS[severity]} ${about}${what}`, tone },
    { text: `  ${shown(why, LONGEST_WHY)}`, ...(severity === 'note' ? { tone } : {}) },
    ...(action === null ? [] : [{ text: `  → ${action}` }]),
  ];
}

function serverRows(servers: readonly ServerReport[], width: number): Row[] {
  const wordWidth = Math.max(...servers.map(({ state }) => WORDS[state][0].length));
  const longest = Math.max(...servers.map(({ name }) => columnsOf(name)));
  const nameWidth = Math.max(1, Math.min(longest, LONGEST_NAME, width - wordWidth - 2));
  return servers.map((server) => {
    const [word, tone] = WORDS[server.state];
    const name = pad(cutMiddle(server.name, nameWidth), nameWidth);
    const cell = pad(word, wordWidth);
    let after = ` ${name}`;
    let used = cell.length + columnsOf(after);
    // From the left: the first ones say most.
    for (const [at, figure] of figuresOf(server).entries()) {
      const text = `${at === 0 ? '  ' : ', '}${figure}`;
      used += text.length;
      if (used > width) break;
      after += text;
    }
    return { before: '', cell, after, tone };
  });
}

function figuresOf({ tools, tokens, ready_ms: readyMs, rss_mb: rssMb }: ServerReport): string[] {
  return [
    tools === null ? '' : plural(tools, 'tool'),
    tokens === null || tokens === 0 ? '' : `${tokens.toLocaleString('en')} tokens`,
    readyMs === null ? '' : `${(readyMs / 1000).toFixed(1)} s`,
    rssMb === null ? '' : megabytes(rssMb),
  ].filter((figure) => figure !== '');
}
