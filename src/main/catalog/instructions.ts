/**
 * The `instructions` of all servers as one text, a heading for each. What a server says is quoted line
 * by line and holds nothing invisible, so that it cannot look like a heading, or like the words of
 * another server or of the gateway. Pure.
 */

import type { ServerProfile } from '../../shared/model/server.ts';
import { visibleLines } from '../../shared/text/clean-text.ts';
import type { KnownServer } from './profiles.ts';

/** UTF-16 units of the whole text; the text of one server is clipped where it is read. */
const MAX_TOTAL = 32_768;
/** Kept, since every client asks for the same text. */
const quoted = new WeakMap<ServerProfile, string>();

/**
 * Null when no server has instructions.
 *
 * @param notices of the gateway itself, a line each.
 */
export function mergedInstructions(
  servers: readonly KnownServer[],
  notices: readonly string[] = [],
): string | null {
  const sections: string[] = notices.length === 0 ? [] : [`# rea gateway\n\n${notices.join('\n')}`];
  const leftOut: string[] = [];
  let total = 0;
  for (const { config, profile } of servers) {
    if (config.instructions === 'off') continue;
    const text = quotedOf(profile);
    if (text === '') continue;
    const names =
      config.prefix === '' ? '' : ` (its tools and prompts begin with ${config.prefix}__)`;
    const section = `# Server ${config.name}${names}\n\n${text}`;
    if (total + section.length > MAX_TOTAL) leftOut.push(config.name);
    else {
      total += section.length;
      sections.push(section);
    }
  }
  if (leftOut.length > 0) {
    sections.push(`[left out because of their size: the instructions of ${leftOut.join(', ')}]`);
  }
  return sections.length === 0 ? null : sections.join('\n\n');
}

function quotedOf(profile: ServerProfile): string {
  const text = quoted.get(profile) ?? quote(profile.instructions);
  quoted.set(profile, text);
  return text;
}

/** "" for a text without a visible character. */
function quote(text: string): string {
  const lines = visibleLines(text);
  const isFilled = (line: string) => line.trim() !== '';
  const first = lines.findIndex(isFilled);
  if (first < 0) return '';
  const shown = lines.slice(first, lines.findLastIndex(isFilled) + 1);
  return shown.map((line) => `> ${line.trimEnd()}`).join('\n');
}
