/**
 * The gateway's question before a destructive call: its text, the choices, and what an answer means. The
 * arguments are shown as the client has written them, without secrets, and cut; a digest stands for the rest.
 * Questions of servers begin with `[server] `, so that none of them looks like this one.
 */
import { createHash } from 'node:crypto';
import { type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { member } from '../../../shared/json/json-slice.ts';
import { cleanForTerminal, clip } from '../../../shared/text/clean-text.ts';
import type { ToolTier } from '../../catalog/tool-tier.ts';

export interface Question {
  readonly server: string;
  /** The tool's own name. */
  readonly tool: string;
  readonly tier: ToolTier;
  readonly frame: Frame;
  /** The client has no session for which a yes could hold. */
  readonly once: boolean;
  /** Takes out secrets. */
  readonly hide: (text: string) => string;
}

export type Choice = 'once' | 'session' | 'no';

/** A secret longer than this is not taken out as a whole. */
const MAX_LOOKED_AT = 64 * 1024;
const MAX_SHOWN = 1024;
const MAX_TOOL = 128;
const ONCE = { enum: ['once', 'no'], enumNames: ['Yes, once', 'No'] };
const FOR_SESSION = {
  enum: ['once', 'session', 'no'],
  enumNames: ['Yes, once', 'Yes, this tool for this session', 'No'],
};
/** No JSON value has this text. */
const NO_ARGUMENTS = 'none';
const MAX_ANSWER_BYTES = 16 * 1024;

export interface Asked {
  /** JSON text of the request to the client. */
  readonly line: Uint8Array;
  /** sha256 of the bytes of the arguments, hex; undefined: there are none. */
  readonly request: string | undefined;
}

/** @param idText JSON text of the question's id. */
export function askedBy(idText: string, question: Question): Asked {
  const { server, tier } = question;
  const tool = clip(cleanForTerminal(question.tool), MAX_TOOL);
  const shown = shownArguments(question);
  const message = `rea asks: may the tool ${JSON.stringify(tool)} of server "${server}" run? It is ${tier.tier} (${tier.because}). Arguments: ${shown.text}`;
  const params = {
    message,
    requestedSchema: {
      type: 'object',
      properties: {
        decision: {
          type: 'string',
          title: 'Decision',
          ...(question.once ? ONCE : FOR_SESSION),
        },
      },
      required: ['decision'],
    },
    _meta: {
      'rea/ask': { server, tool, tier: tier.tier, arguments: shown.text, sha256: shown.sha256 },
    },
  };
  const text = JSON.stringify({
    jsonrpc: '2.0',
    id: Number(idText),
    method: 'elicitation/create',
    params,
  });
  const request = shown.text === NO_ARGUMENTS ? undefined : shown.sha256;
  return { line: new TextEncoder().encode(text), request };
}

/** What a client has answered; whatever is no clear yes is a no. */
export function choiceOf(frame: Frame): Choice {
  const result = rangeOf(frame, SLOT.result);
  if (result === null || result[1] - result[0] > MAX_ANSWER_BYTES) return 'no';
  const text = Buffer.from(frame.line.subarray(result[0], result[1])).toString();
  const answer: unknown = JSON.parse(text);
  if (typeof answer !== 'object' || answer === null) return 'no';
  const { action, content } = answer as { action?: unknown; content?: unknown };
  if (action !== 'accept' || typeof content !== 'object' || content === null) return 'no';
  const { decision } = content as { decision?: unknown };
  return decision === 'once' || decision === 'session' ? decision : 'no';
}

function shownArguments({ frame, hide }: Question): {
  readonly text: string;
  /** Of the bytes as they are. */
  readonly sha256: string;
} {
  const params = rangeOf(frame, SLOT.params);
  const at = params === null ? null : member(frame.line, params, 'arguments');
  const bytes = at === null ? new Uint8Array(0) : frame.line.subarray(at[0], at[1]);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (at === null) return { text: NO_ARGUMENTS, sha256 };
  const head = new TextDecoder().decode(bytes.subarray(0, MAX_LOOKED_AT), { stream: true });
  const clean = Buffer.from(cleanForTerminal(hide(head)));
  if (clean.length <= MAX_SHOWN && bytes.length <= MAX_LOOKED_AT) {
    return { text: clean.toString(), sha256 };
  }
  const cut = new TextDecoder().decode(clean.subarray(0, MAX_SHOWN), { stream: true });
  return { text: `${cut}… (${bytes.length} bytes in all, sha256 ${sha256})`, sha256 };
}
