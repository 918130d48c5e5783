/**
 * The tier of a tool: what the operator says (`tier_overrides`), else its annotations and its name. An annotation
 * raises what the name says; it lowers it only where the server is `trusted`, because a server says what it likes.
 */
import { eachMember, isName, kindAt } from '../../shared/json/json-slice.ts';
import type { ServerConfig } from '../../shared/model/config.ts';
import type { CatalogEntry } from '../../shared/model/mcp.ts';
import { sterner, type Tier } from '../../shared/model/tier.ts';
import { tierByName } from '../../shared/model/tier-words.ts';

export interface ToolTier {
  readonly tier: Tier;
  /** What has decided. */
  readonly source: 'override' | 'annotations' | 'name' | 'default' | 'size';
  /** The same in words, to be read behind the tier. */
  readonly because: string;
}

type Ruled = Pick<ServerConfig, 'trusted' | 'tierOverrides' | 'rules'>;

/** Nobody reads longer definitions to find annotations. */
const MAX_TOOL_BYTES = 256 * 1024;
const TRUE = 0x74;

/** @param json the raw tool; null: its server has never listed it. */
export function tierOf(name: string, json: CatalogEntry['json'] | null, config: Ruled): ToolTier {
  const { tierOverrides, trusted, rules } = config;
  const override = Object.hasOwn(tierOverrides, name) ? tierOverrides[name] : undefined;
  if (override !== undefined) {
    return { tier: override, source: 'override', because: `tier_overrides, ${rules.places.tiers}` };
  }
  const { tier, word } = tierByName(name);
  const named: ToolTier =
    word === null
      ? { tier, source: 'default', because: 'nothing says that it only reads' }
      : { tier, source: 'name', because: `"${word}" in its name` };
  if (json === null) return named;
  if (json.length > MAX_TOOL_BYTES) {
    return {
      tier: 'destructive',
      source: 'size',
      because: 'its definition is too long to look at',
    };
  }
  const hinted = tierByHints(json);
  if (hinted === null || hinted.tier === tier) return named;
  const raises = sterner(hinted.tier, tier) === hinted.tier;
  if (raises ? hinted.lowersOnly : !trusted) return named;
  return { tier: hinted.tier, source: 'annotations', because: `its ${hinted.hint}` };
}

interface Hinted {
  readonly tier: Tier;
  /** As it is written. */
  readonly hint: string;
  /** It says what the tool does not do, and nothing of what it does. */
  readonly lowersOnly: boolean;
}

/** Only what is there counts; of hints that contradict each other the sternest. */
function tierByHints(tool: Uint8Array): Hinted | null {
  const said = new Set<string>();
  eachMember(tool, [0, tool.length], (name, nameEnd, start, end) => {
    if (!isName(tool, name, nameEnd, 'annotations')) return;
    eachMember(tool, [start, end], (key, keyEnd, at) => {
      if (kindAt(tool, at) !== 'boolean') return;
      for (const hint of ['readOnlyHint', 'destructiveHint']) {
        if (isName(tool, key, keyEnd, hint)) said.add(`${hint}: ${tool[at] === TRUE}`);
      }
    });
  });
  return HINTS.find(({ hint }) => said.has(hint)) ?? null;
}

/** The sternest first. */
const HINTS: readonly Hinted[] = [
  { hint: 'destructiveHint: true', tier: 'destructive', lowersOnly: false },
  { hint: 'readOnlyHint: false', tier: 'write', lowersOnly: false },
  { hint: 'readOnlyHint: true', tier: 'read', lowersOnly: false },
  { hint: 'destructiveHint: false', tier: 'write', lowersOnly: true },
];
