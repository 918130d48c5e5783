/**
 * Orders about tools of other servers. Only names that are no plain words count, and only those that one server alone
 * has. Takes time linear in the text.
 */

import { quotedParts } from './plain-text.ts';
import { isSpokenOf } from './soft.ts';

/** Two words at least, joined. */
const DISTINCTIVE =
  /^(?=.{8,128}$)(?:[A-Za-z0-9]+(?:[_-]+[A-Za-z0-9]+)+|[a-z0-9]+(?:[A-Z][a-z0-9]*)+)$/;
/** What hosts and many servers call theirs: naming it is no sign. */
const COMMON = new Set(
  `read_file write_file edit_file list_files search_files delete_file create_file run_command execute_command
   list_directory web_search web_fetch get_status list_tools`.split(/\s+/),
);
const WORDS = /[A-Za-z0-9_-]+/g;
const ORDER =
  /\b(?:always|must|never|has to|have to|needs?|should|do not use|don't use|whenever|when|once|before|instead of|replace|change|set|prepend|also|from now on|let|carry|each|every|any call|with|if|use)\b/;
const AROUND = 100;
/** Mentions in one field that are looked at: more of them are no honest text, but cover for one. */
const MAX_NAMES = 200;
const MAX_NAME = 256;

/** Names of tools for `server` that mean a tool of another one. */
export function foreignTools(
  server: string,
  tools: readonly { readonly server: string; readonly name: string }[],
): ReadonlySet<string> {
  const own = new Set(tools.filter((tool) => tool.server === server).map(({ name }) => name));
  const names = new Set<string>();
  for (const tool of tools) {
    if (tool.server === server || own.has(tool.name)) continue;
    if (DISTINCTIVE.test(tool.name) && !COMMON.has(tool.name.toLowerCase())) names.add(tool.name);
  }
  return names;
}

/** What a field orders about one of these tools, or that it names too many; null: nothing. @param text a field as it is. */
export function orderAbout(text: string, names: ReadonlySet<string>): string | null {
  if (names.size === 0) return null;
  let quoted: ReturnType<typeof quotedParts> | null = null;
  let looked = 0;
  const lower = text.toLowerCase();
  WORDS.lastIndex = 0;
  for (let match = WORDS.exec(text); match !== null; match = WORDS.exec(text)) {
    if (match[0].length > MAX_NAME || !isNamed(match[0], names)) continue;
    looked += 1;
    if (looked > MAX_NAMES) return `tools of other servers, more than ${MAX_NAMES} times`;
    const from = Math.max(0, match.index - AROUND);
    const end = match.index + match[0].length;
    const around = lower.slice(from, end + AROUND);
    if (!ORDER.test(around)) continue;
    quoted ??= quotedParts(text).filter(([start, stop]) => stop - start > match[0].length + 4);
    if (!isSpokenOf(lower, match.index, end, quoted)) return around.trim();
  }
  return null;
}

/** Also as the gateway and other clients name it: `mcp_server_tool`, `server__tool`. */
function isNamed(word: string, names: ReadonlySet<string>): boolean {
  if (names.has(word)) return true;
  const behind = word.lastIndexOf('__');
  if (behind > 0 && names.has(word.slice(behind + 2))) return true;
  const parts = word.split('_');
  return parts[0] === 'mcp' && [2, 3].some((skip) => names.has(parts.slice(skip).join('_')));
}
