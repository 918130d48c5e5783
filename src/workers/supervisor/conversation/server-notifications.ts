/**
 * The notifications of the server: changes of its lists and cancellations of its own requests go to the
 * parts that own those, the others to the clients that they concern. Owned by the conversation.
 */
import { type Frame, rangeOf, textAt } from '../../../shared/json/frame.ts';
import { idNumber } from '../../../shared/json/id-number.ts';
import { SLOT } from '../../../shared/json/json-scan.ts';
import { kindOfAsk } from '../../../shared/model/asks.ts';
import type { Answers } from './answers.ts';
import { concernOf } from './concern.ts';
import type { Notifications } from './notifications.ts';
import type { ServerLists } from './server-lists.ts';
import type { ServerRequests } from './server-requests.ts';

export interface ServerNotificationsOptions {
  readonly answers: Answers;
  readonly lists: ServerLists;
  readonly requests: ServerRequests;
  /** The way to the clients. */
  readonly notifications: Notifications;
}

/** Notifications that only clients may send. */
const NOT_OF_SERVERS = new Set(['notifications/initialized', 'notifications/roots/list_changed']);

export class ServerNotifications {
  readonly #options: ServerNotificationsOptions;

  constructor(options: ServerNotificationsOptions) {
    this.#options = options;
  }

  take(frame: Frame, method: string): void {
    const { answers, lists, requests, notifications } = this.#options;
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
        return this.#passOn(frame, method);
    }
  }

  #passOn(frame: Frame, method: string): void {
    const { answers, notifications } = this.#options;
    // The method of a request, without an id: neither a request nor a notification.
    if (NOT_OF_SERVERS.has(method) || kindOfAsk(method) !== 'other') return;
    const concerns = concernOf(frame, method);
    if (concerns === null) return;
    if (concerns.kind === 'call' && !answers.hasProgress(concerns.call)) return;
    if (method === 'notifications/tasks/status' && concerns.kind === 'task') {
      answers.taskTold(concerns.note);
    }
    notifications.pass(frame, method, concerns);
  }
}
