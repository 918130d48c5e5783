import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LineFramer } from '#src/shared/json/framing.ts';
import {
  type DroppedNotifications,
  Notifications,
} from '#src/workers/supervisor/conversation/notifications.ts';

const BURST = 200;
const LOG =
  '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function house() {
  const dropped: DroppedNotifications[] = [];
  let sent = 0;
  const notifications = new Notifications({
    slot: 0,
    incarnation: 1,
    send: () => {
      sent += 1;
    },
    onDropped: (one) => dropped.push(one),
  });
  let method = 'notifications/message';
  const framer = new LineFramer({
    maxBytes: 10_000,
    onFrame: (frame) => notifications.pass(frame, method, { kind: 'all' }),
    onRefused: () => {},
  });
  const say = (count: number, what = 'notifications/message') => {
    method = what;
    framer.push(Buffer.from(`${LOG}\n`.repeat(count)));
  };
  const passesOver = (line: string) => notifications.passesOver(Buffer.from(line));
  return { notifications, say, passesOver, dropped, sent: () => sent };
}

test('no log message is passed over before one was over the rate', () => {
  const { say, passesOver, sent } = house();
  say(BURST);
  expect([sent(), passesOver(LOG)]).toEqual([BURST, false]);
  say(1);
  expect([sent(), passesOver(LOG)]).toEqual([BURST, true]);
});

test.each([
  ['as the SDKs write it', '{"method":"notifications/message","params":{},"jsonrpc":"2.0"}', true],
  ['that is cut off', '{"method":"notifications/message",', true],
  ['that asks for an answer', '{"method":"notifications/message","params":{},"id":5}', false],
  ['whose data speaks of an id', '{"method":"notifications/message","params":{"id":5}}', false],
  ['of another method', '{"method":"notifications/messages","params":{}}', false],
  ['inside of another message', `{"result":${LOG},"jsonrpc":"2.0"}`, false],
  ['that is written otherwise', LOG.replaceAll(':', ' : '), false],
])('in a flood, a log message %s', (_name, line, isPassedOver) => {
  const { say, passesOver } = house();
  say(BURST + 1);
  expect(passesOver(line)).toBe(isPassedOver);
});

test('they are passed on again as soon as the rate allows it, and all are accounted for', () => {
  const { notifications, say, passesOver, dropped, sent } = house();
  say(BURST + 10);
  for (let at = 0; at < 40; at += 1) expect(passesOver(LOG)).toBe(true);
  vi.advanceTimersByTime(1000);
  expect(passesOver(LOG)).toBe(false);
  say(BURST + 7);
  expect(sent()).toBe(2 * BURST);
  notifications.close();
  expect(dropped).toEqual([{ tooMany: 10 + 40 + 7, tooLarge: 0 }]);
});

test('other notifications have a rate of their own, and are never passed over', () => {
  const { notifications, say, passesOver, dropped, sent } = house();
  say(BURST + 1);
  say(501, 'notifications/resources/updated');
  expect(sent()).toBe(BURST + 500);
  expect(passesOver('{"method":"notifications/resources/updated","params":{}}')).toBe(false);
  notifications.close();
  expect(dropped).toEqual([{ tooMany: 2, tooLarge: 0 }]);
});
