/** What a request is about, for the rules: a tool, or a method with a tier of its own. */
import type { ServerConfig } from '../../../shared/model/config.ts';
import type { CatalogEntry } from '../../../shared/model/mcp.ts';
import type { Tier } from '../../../shared/model/tier.ts';
import { heldWhy } from '../../catalog/held-definitions.ts';
import { type Denial, methodVerdict, ruleOf } from '../../catalog/tool-rule.ts';

export interface Subject {
  readonly method: string;
  /** Null: it names none. */
  readonly tool: CatalogEntry | null;
  /** The same of a prompt, or of a withheld template. */
  readonly prompt: CatalogEntry | null;
  /** Of the tool or prompt, as its server calls it; null: it names none. */
  readonly name: string | null;
  /** A person has said yes to this call. */
  readonly approved: boolean;
}

/** Methods that ask for something and change nothing; others may do anything. */
const READING: ReadonlySet<string> = new Set([
  'prompts/get',
  'completion/complete',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'tasks/get',
  'tasks/result',
  'tasks/list',
  // It only ends what the client has begun.
  'tasks/cancel',
  // It only answers what is asked for a call that was allowed.
  'tasks/update',
]);

/** A request that names no tool. */
export function subjectOf(method: string): Subject {
  return { method, tool: null, prompt: null, name: null, approved: false };
}

/** What the rules say, as they are now. */
export function judge(
  subject: Omit<Subject, 'name'>,
  config: ServerConfig,
): 'pass' | 'ask' | Denial {
  const { method, tool, prompt, approved } = subject;
  const named = tool ?? prompt;
  const held = named === null ? undefined : heldWhy(named);
  if (held !== undefined) return { code: 'ERR_PIN_DRIFT', why: held };
  const ofTool = tool === null ? 'pass' : ruleOf(tool, config).verdict;
  if (typeof ofTool === 'object') return ofTool;
  if (tool === null || method !== 'tools/call') {
    const ofMethod = methodVerdict(method, tierOfMethod(method), config);
    if (ofMethod !== 'pass') return ofMethod;
  }
  return ofTool === 'ask' && approved ? 'pass' : ofTool;
}

/** What a request may do, for its record in the audit log. */
export function tierOfSubject({ method, tool }: Subject, config: ServerConfig): Tier {
  return tool === null || method !== 'tools/call'
    ? tierOfMethod(method)
    : ruleOf(tool, config).worst;
}

function tierOfMethod(method: string): Tier {
  return READING.has(method) ? 'read' : 'write';
}
