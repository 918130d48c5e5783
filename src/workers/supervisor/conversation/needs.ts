/** The capabilities that a client needs for a request of a server, by the specification of 2025-11-25. Pure. */
import { decodeString, type Frame, rangeOf } from '../../../shared/json/frame.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { member } from '../../../shared/json/json-slice.ts';
import type { ClientNeed } from '../../../shared/model/mcp.ts';

const MAX_MODE_BYTES = 64;

/** None for a method that the specification does not have: the client itself answers then. */
export function needsOf(frame: Frame, method: string): readonly ClientNeed[] {
  switch (method) {
    case 'roots/list':
      return ['roots'];
    case 'sampling/createMessage':
      return has(frame, 'tools') || has(frame, 'toolChoice')
        ? ['sampling', 'sampling.tools']
        : ['sampling'];
    case 'elicitation/create': {
      const mode = modeOf(frame);
      return mode === null ? ['elicitation'] : ['elicitation', `elicitation.${mode}`];
    }
    default:
      return [];
  }
}

function has(frame: Frame, name: string): boolean {
  const params = rangeOf(frame, SLOT.params);
  return params !== null && member(frame.line, params, name) !== null;
}

/** Null for a mode of another revision. */
function modeOf(frame: Frame): 'form' | 'url' | null {
  const params = rangeOf(frame, SLOT.params);
  const at = params === null ? null : member(frame.line, params, 'mode');
  if (at === null) return 'form';
  const mode = at[1] - at[0] > MAX_MODE_BYTES ? null : decodeString(frame.line, at);
  return mode === 'form' || mode === 'url' ? mode : null;
}
