/**
 * The notifications of the server: changes of its lists and cancellations of its own requests go to the
 * parts that own those, the others to the clients that they concern. Owned by the conversation.
 */
import { type Frame, rangeOf, textAt } from '../../../shared/json/frame.ts';
import { idNumber } from '../../../shared/json/id-number.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { kindOfAsk } from '../../../shared/model/asks.ts';
import { TASK_NEWS } from '../../../shared/model/task-handles.ts';
import type { RequestId } from '../link.ts';
import type { Results } from '../results/results.ts';
import type { Answers } from './answers.ts';
import { concernOf } from './concern.ts';
import type { Notifications } from './notifications.ts';
import { withoutOurErrorInTask } from './server-errors.ts';
import type { ServerLists } from './server-lists.ts';
import type { ServerRequests } from './server-requests.ts';
import type { Stateless } from './stateless/stateless.ts';
import { signedInputs } from './who-asks.ts';

export interface ServerNotificationsOptions {
  readonly server: string;
  readonly results: Results;
  readonly answers: Answers;
  /** Null: the server speaks a revision with a handshake. */
  readonly stateless: () => Stateless | null;
  readonly lists: ServerLists;
  readonly requests: ServerRequests;
  /** The way to the clients. */
  readonly notifications: Notifications;
}

/** Notifications that only clients may send. */
const NOT_OF_SERVERS = new Set(['notifications/initialized', 'notifications/roots/list_changed']);

const LOG = 'notifications/message';
/** More than one client ever has at a server. */
const MAX_CALLS = 256;

export class ServerNotifications {
  readonly #options: ServerNotificationsOptions;

  constructor(options: ServerNotificationsOptions) {
    this.#options = options;
  }

  /** @param from the request in whose response it came; null: it came on a stream for all of them. */
  take(said: Frame, method: string, from: RequestId | null): void {
    const { answers, lists, requests, notifications, stateless } = this.#options;
    const side = stateless();
    const frame = side === null ? said : side.notification(said, method);
    if (frame === null) return;
    switch (method) {
      case 'notifications/tools/list_changed':
      case 'notifications/prompts/list_changed':
      case 'notifications/resources/list_changed':
        return lists.changed(method);
      case 'notifications/cancelled':
        return requests.cancelled(frame);
      case 'notifications/progress': {
        const token = rangeOf(frame, SLOT.paramsProgressToken);
        const call = idNumber(textAt(frame, SLOT.paramsProgressToken) ?? '');
        if (token === null || call === null || !answers.hasProgress(call)) return;
        return notifications.progress(call, frame.line, token);
      }
      default:
        if (side !== null && method === LOG) {
          return this.#log(frame, from, side);
        }
        if (side !== null && method === TASK_NEWS) return this.#tell(frame, from, side);
        return this.#passOn(frame, method, from);
    }
  }

  /** A log message that a request has asked for: it is for the client of that request alone. */
  #log(frame: Frame, from: RequestId | null, side: Stateless): void {
    const { answers, notifications } = this.#options;
    const call = typeof from === 'number' ? side.callOf(from) : null;
    // It is about a call that has ended, or may be.
    if (call === null && (typeof from === 'number' || answers.areOthersOpen)) return;
    const calls = call === null ? answers.calls : [call];
    if (calls.length > MAX_CALLS) return;
    notifications.pass(frame, LOG, { kind: 'one_of', calls });
  }

  /** The state of a task, which its client might as well have asked for: the same is done with it. */
  #tell(frame: Frame, from: RequestId | null, side: Stateless): void {
    if (!side.mayTell(frame)) return;
    const { results, server } = this.#options;
    const passed = results.take(signedInputs(withoutOurErrorInTask(frame), server));
    if (!('why' in passed)) this.#passOn(passed.frame, TASK_NEWS, from);
  }

  #passOn(frame: Frame, method: string, from: RequestId | null): void {
    const { answers, notifications } = this.#options;
    // The method of a request, without an id: neither a request nor a notification.
    if (NOT_OF_SERVERS.has(method) || kindOfAsk(method) !== 'other') return;
    const concerns = concernOf(frame, method);
    if (concerns === null) return;
    if (concerns.kind === 'call' && !answers.hasProgress(concerns.call)) return;
    if (method === 'notifications/tasks/status' && concerns.kind === 'task') {
      answers.taskTold(concerns.note);
    }
    const only = method === LOG && concerns.kind === 'all' ? answers.only : null;
    const isOther = typeof from === 'number' && from !== only;
    if (only === null || isOther) return notifications.pass(frame, method, concerns);
    notifications.pass(frame, method, { kind: 'all', only });
  }
}
