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
  const hinted = hintsOf(json);
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

/** What tools say of themselves; they are asked about again when the rules have changed. */
const said = new WeakMap<Uint8Array, Hinted | null>();

function hintsOf(tool: Uint8Array): Hinted | null {
  const known = said.get(tool);
  if (known !== undefined) return known;
  const found = tierByHints(tool);
  said.set(tool, found);
  return found;
}

/** Only what is there counts; of hints that contradict each other the sternest. */
function tierByHints(tool: Uint8Array): Hinted | null {
  let sternest: Hinted | null = null;
  const take = (hint: Hinted) => {
    if (sternest === null || HINTS.indexOf(hint) < HINTS.indexOf(sternest)) sternest = hint;
  };
  eachMember(tool, [0, tool.length], (name, nameEnd, start, end) => {
    if (!isName(tool, name, nameEnd, 'annotations')) return;
    eachMember(tool, [start, end], (key, keyEnd, at) => {
      if (kindAt(tool, at) !== 'boolean') return;
      const isTrue = tool[at] === TRUE;
      if (isName(tool, key, keyEnd, 'readOnlyHint')) take(isTrue ? READS : CHANGES);
      else if (isName(tool, key, keyEnd, 'destructiveHint')) take(isTrue ? DESTROYS : KEEPS);
    });
  });
  return sternest;
}

const DESTROYS: Hinted = { hint: 'destructiveHint: true', tier: 'destructive', lowersOnly: false };
const CHANGES: Hinted = { hint: 'readOnlyHint: false', tier: 'write', lowersOnly: false };
const READS: Hinted = { hint: 'readOnlyHint: true', tier: 'read', lowersOnly: false };
const KEEPS: Hinted = { hint: 'destructiveHint: false', tier: 'write', lowersOnly: true };
/** The sternest first. */
const HINTS: readonly Hinted[] = [DESTROYS, CHANGES, READS, KEEPS];
