/**
 * What a client's entry says about the tools that may be used → `tools.allow` and `tools.deny`. What cannot be
 * expressed is a reason to keep the server down: a tool that was switched off must not come back. Pure.
 */

import { isObject } from '../../../shared/model/is-object.ts';
import { parseGlob } from '../../globs/parse.ts';

export interface ToolLimits {
  readonly allow: readonly string[] | null;
  readonly deny: readonly string[];
  /** Keys that cannot be expressed, with what is wrong. */
  readonly refused: readonly {
    readonly key: string;
    readonly message: string;
    readonly fix: string;
  }[];
}

const ALLOW = new Set(
  [
    'includeTools',
    'enabledTools',
    'allowedTools',
    'availableTools',
    'toolAllowlist',
    'toolWhitelist',
    'toolsAllowed',
    'toolsAllow',
    'toolsInclude',
  ].map(plain),
);
const DENY = new Set(
  [
    'excludeTools',
    'disabledTools',
    'deniedTools',
    'blockedTools',
    'disallowedTools',
    'hiddenTools',
    'toolDenylist',
    'toolBlacklist',
    'toolsDenied',
    'toolsDeny',
    'toolsExclude',
  ].map(plain),
);
/** They are about asking a person, or about time: the client's own business, or read elsewhere. */
const HARMLESS = new Set(
  [
    'autoApproveTools',
    'alwaysAllowTools',
    'autoApprovedTools',
    'trustedTools',
    'defaultToolsApprovalMode',
    'toolTimeout',
    'toolTimeoutSec',
    'toolTimeoutMs',
    'toolCallTimeout',
    'toolPrefix',
  ].map(plain),
);
const MOST = 1000;
const SPECIAL = /[*?[\]{}!\\()+@,]/;

/** @param entry as written. */
export function toolLimits(entry: Readonly<Record<string, unknown>>): ToolLimits {
  let allow: string[] | null = null;
  const deny: string[] = [];
  const refused: { key: string; message: string; fix: string }[] = [];
  const refuse = (key: string, message: string) =>
    refused.push({
      key,
      message,
      fix: 'write tools: {allow: […], deny: […]} in a registry instead',
    });
  const names = (key: string, value: unknown, all: 'allowed' | 'denied'): string[] | null => {
    if (!Array.isArray(value)) {
      refuse(key, 'is no list of tool names');
      return null;
    }
    if (value.length > MOST) {
      refuse(key, `has more than ${MOST} names`);
      return null;
    }
    const patterns: string[] = [];
    for (const one of value) {
      const pattern = typeof one === 'string' ? patternOf(one) : null;
      if (pattern === null) {
        refuse(key, `has a name that cannot be ${all} here`);
        return null;
      }
      patterns.push(pattern);
    }
    return patterns;
  };
  for (const [key, value] of Object.entries(entry)) {
    const word = plain(key);
    if (value === null || value === undefined) continue;
    if (word === 'tools' || word === 'toolfilter' || word === 'toolsfilter') {
      const read = ofTools(value);
      if (read === null) refuse(key, 'cannot be read as a list of tools');
      else {
        if (read.allow !== null) allow = meet(allow, names(key, read.allow, 'allowed'));
        deny.push(...(names(key, read.deny, 'denied') ?? []));
      }
    } else if (ALLOW.has(word)) {
      allow = meet(allow, names(key, value, 'allowed'));
    } else if (DENY.has(word)) {
      deny.push(...(names(key, value, 'denied') ?? []));
    } else if (/tool/.test(word) && typeof value === 'object' && !HARMLESS.has(word)) {
      refuse(key, 'may restrict tools in a way that is not known here');
    }
  }
  return { allow, deny, refused };
}

/** `[names]`, `{name: false}`, `{name: {enabled: false}}`, or `{allow|include: […], deny|exclude: […]}`. */
function ofTools(value: unknown): { allow: unknown[] | null; deny: unknown[] } | null {
  if (Array.isArray(value)) return { allow: value, deny: [] };
  if (!isObject(value)) return null;
  const listed = { allow: null as unknown[] | null, deny: [] as unknown[] };
  const rest: [string, unknown][] = [];
  for (const [key, one] of Object.entries(value)) {
    const word = plain(key);
    if (Array.isArray(one) && /^(?:allow|include|enabled|only)/.test(word)) listed.allow = one;
    else if (Array.isArray(one) && /^(?:deny|exclude|disabled|block)/.test(word)) listed.deny = one;
    else rest.push([key, one]);
  }
  for (const [name, one] of rest) {
    const state = isObject(one) ? (one['enabled'] ?? one['disabled'] !== true) : one;
    if (typeof state !== 'boolean') return null;
    if (!state) listed.deny.push(name);
  }
  return listed;
}

/** Both lists hold: a tool has to be in each. */
function meet(one: string[] | null, other: string[] | null): string[] | null {
  if (one === null || other === null) return one ?? other;
  if (other.includes('*')) return one;
  return one.includes('*') ? other : one.filter((name) => other.includes(name));
}

/** A pattern for exactly this name; `*` alone is all of them. Null when there is none. */
function patternOf(name: string): string | null {
  if (name === '' || name.length > 200) return null;
  if (name !== '*' && SPECIAL.test(name) && !/^[^?[\]{}!\\()+@,]*$/.test(name)) return null;
  return parseGlob(name, 'allow').ok ? name : null;
}

function plain(key: string): string {
  return key.toLowerCase().replaceAll(/[^a-z]/g, '');
}
