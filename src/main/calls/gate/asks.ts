/**
 * Decides whether a server may ask a client something now, by the kill switch and by its configuration.
 * Requests for roots concern no person and no model and are always allowed. Pure.
 */
import { errorParts } from '../../../shared/json/json-rpc.ts';
import { type AsksConfig, kindOfAsk } from '../../../shared/model/asks.ts';
import { JSON_RPC, type Phase, type ReaError } from '../../../shared/model/errors.ts';
import { clip } from '../../../shared/text/clean-text.ts';
import type { Halt } from './halt.ts';

/** Why nobody is asked. */
export interface AskRefusal {
  readonly code: number;
  readonly why: string;
  /** The kill switch is the cause. */
  readonly halted?: true;
}

/** A question of one server: its method and the raw id. */
export interface Question {
  readonly server: { readonly config: { readonly name: string }; readonly phase: Phase };
  readonly method: string;
  readonly idRaw: Uint8Array;
}

/** The error that the server gets for its question. */
export function refusalParts(
  { server, method, idRaw }: Question,
  { code, why, halted }: AskRefusal,
  outcome: ReaError['outcome'] = 'not_sent',
): Uint8Array[] {
  const message = `${clip(method, 200)}: ${why}`;
  if (halted !== true) return errorParts(idRaw, code, message);
  const error: ReaError = {
    code: 'ERR_HALTED',
    server: server.config.name,
    phase: server.phase,
    outcome,
    retryable: outcome === 'not_sent',
  };
  return errorParts(idRaw, code, message, { 'rea/error': error });
}

/** Why nobody may be asked this, whatever has caused it; null: it may be asked. */
export function forbidden(method: string, asks: AsksConfig, halt: Halt): AskRefusal | null {
  const kind = kindOfAsk(method);
  if (halt.active && kind !== 'roots') {
    const why = `the gateway is halted: ${halt.reason ?? 'no reason given'}`;
    return { code: JSON_RPC.gatewayError, why, halted: true };
  }
  if ((kind !== 'elicitation' && kind !== 'sampling') || asks[kind] === 'allow') return null;
  // Answered as if the client lacked the capability; the server is told the same when it starts.
  return { code: JSON_RPC.methodNotFound, why: `denied to this server (asks.${kind})` };
}

/** Why it may not be asked without a call or task of a client at the server; null: it may. */
export function unsolicited(method: string, asks: AsksConfig): AskRefusal | null {
  const kind = kindOfAsk(method);
  // Requests about a task belong to the request that the client made into that task.
  if (kind === 'roots' || kind === 'task' || asks.unsolicited === 'allow') return null;
  return {
    code: JSON_RPC.gatewayError,
    why: 'no call or task of the client is in flight at this server, so nobody is asked (asks.unsolicited)',
  };
}
