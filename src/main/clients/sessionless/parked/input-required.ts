/**
 * A question as a client without a session gets it: not as a request, but as a part of the answer to its own. Pure.
 */
import { type Frame, stringAt, textAt } from '../../../../shared/json/frame.ts';
import { SLOT } from '../../../../shared/json/json-scan.ts';
import { withoutParams } from '../../../../shared/json/without.ts';
import type { Question } from './parked-events.ts';

/** Members of questions that this revision does not have: the id of a URL, and the wish for a task. */
const OF_OTHERS = ['elicitationId', 'task'];
/** Others would be lost in some clients, or could not be told apart by a person. */
const FIT_NAME = /^(?!__proto__$)[\w.:/-]{1,128}$/;

/**
 * @param asked a request of a server or of the gateway, with the id under which the answer is waited for.
 * @param name the asker's own for it; null: it has none.
 */
export function questionOf(asked: Frame, name: string | null): Question {
  const frame = withoutParams(asked, OF_OTHERS);
  const id = textAt(frame, SLOT.id) ?? '';
  const method = JSON.stringify(stringAt(frame, SLOT.method) ?? '');
  const params = textAt(frame, SLOT.params);
  return {
    id,
    name: name !== null && FIT_NAME.test(name) ? name : `q${id}`,
    json: params === null ? `{"method":${method}}` : `{"method":${method},"params":${params}}`,
  };
}

/** JSON text of the result that asks them. */
export function inputRequired(questions: readonly Question[], state: string): string {
  const requests = questions.map(({ name, json }) => `${JSON.stringify(name)}:${json}`).join(',');
  return `{"resultType":"input_required","inputRequests":{${requests}},"requestState":${JSON.stringify(state)}}`;
}
