/** The `instructions` of all servers as one text, a heading for each. Pure. */
import type { KnownServer } from './profiles.ts';

/** UTF-16 units of the whole text; one server's are clipped where they are read. */
const MAX_TOTAL = 32_768;

/** Null when no server has any. */
export function mergedInstructions(servers: readonly KnownServer[]): string | null {
  const sections: string[] = [];
  const leftOut: string[] = [];
  let total = 0;
  for (const { config, profile } of servers) {
    if (profile.instructions === '') continue;
    const names =
      config.prefix === '' ? '' : ` (its tools and prompts begin with ${config.prefix}__)`;
    const section = `# Server ${config.name}${names}\n\n${profile.instructions.trim()}`;
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
