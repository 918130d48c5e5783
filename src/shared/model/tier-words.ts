/**
 * The tier of a tool by the words of its name, for tools that say nothing better of themselves. A word that destroys
 * counts wherever it stands, then one that changes; a tool only reads if such a word comes first or last. The
 * words are listed in docs/policy.md. Pure; takes time linear in the name.
 */
import type { Tier } from './tier.ts';

export interface TierByName {
  readonly tier: Tier;
  /** The word that has decided, in lower case; null: none is known. */
  readonly word: string | null;
}

const DESTRUCTIVE = words(`
  delete del remove rm rmdir rmtree unlink erase wipe purge destroy drop truncate clear flush discard trash prune
  expunge shred nuke kill terminate shutdown reboot poweroff overwrite reset rollback revert revoke uninstall
  unpublish deprovision decommission exec execute eval shell bash sh zsh powershell pwsh cmd terminal ssh sudo
  subprocess repl`);
/** Words that are as often names of things (order, post, comment) are left out: "get_order" only reads. */
const WRITE = words(`
  write create make new add insert append prepend edit update upsert modify change set put patch save store upload
  import move mv rename copy cp replace replicate convert send reply publish push commit merge rebase apply install
  upgrade enable disable start stop restart open close assign unassign register unregister subscribe unsubscribe
  cancel unarchive lock unlock grant approve reject accept decline submit buy pay refund invite mkdir touch toggle
  untag unpin clone deploy run invoke launch spawn trigger click press fill drag navigate attach detach
  restore generate abort sync`);
const READ = words(`
  get list ls read cat head tail show view display print find search grep glob lookup fetch retrieve count stat
  stats status info describe inspect explain check validate verify exists compare diff preview peek browse scan
  watch monitor observe tree enumerate summarize summary analyze help whoami ping echo version history logs`);
/** Longer names are not listed. */
const MAX_NAME = 128;
const ASCII = /^[\x20-\x7e]*$/;
const WORD = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g;

/** Names that were looked at last: they are asked about again when the rules have changed. */
const known = new Map<string, TierByName>();
const MOST_KNOWN = 4096;

/** @param name as its server told it: camelCase, snake_case, kebab-case or with spaces. */
export function tierByName(name: string): TierByName {
  const before = known.get(name);
  if (before !== undefined) return before;
  const found = tierByWords(wordsOf(name));
  if (known.size >= MOST_KNOWN) known.clear();
  if (name.length <= MAX_NAME) known.set(name, found);
  return found;
}

function tierByWords(found: readonly string[]): TierByName {
  const destroys = found.find((word) => DESTRUCTIVE.has(word));
  if (destroys !== undefined) return { tier: 'destructive', word: destroys };
  const changes = found.find((word) => WRITE.has(word));
  if (changes !== undefined) return { tier: 'write', word: changes };
  const reads = [found[0], found.at(-1)].find((word) => word !== undefined && READ.has(word));
  return reads === undefined ? { tier: 'write', word: null } : { tier: 'read', word: reads };
}

function wordsOf(name: string): string[] {
  const head = name.slice(0, MAX_NAME);
  const plain = ASCII.test(head) ? head : head.normalize('NFKC');
  return (plain.match(WORD) ?? []).map((word) => word.toLowerCase());
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
