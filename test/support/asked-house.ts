/** A gateway with a policy whose one client can be asked, and answers as the test says. */
import { type PolicyHouse, policyHouse } from './policy-house.ts';
import { until } from './wait-for.ts';
import type { Message } from './wire.ts';

export interface AskedHouse extends PolicyHouse {
  /** What the client was asked or told, in order. */
  readonly asked: Message[];
  next(): Promise<Message>;
  reply(question: Message, result: object): void;
}

/** @param how the gateway is started. */
export async function askedHouse(
  policy: string,
  how: Partial<Parameters<typeof policyHouse>[0]> = {},
): Promise<AskedHouse> {
  const house = await policyHouse({ policy, initialize: false, ...how }, { elicitation: {} });
  const { rea } = house;
  const messages: Message[] = [];
  rea.wire.onForeign = (message) => {
    if (message.method?.endsWith('list_changed') === false) messages.push(message);
  };
  return {
    ...house,
    asked: messages,
    next: () => until(() => messages.shift(), { what: 'a message to the client' }),
    reply: ({ id }, result) => rea.wire.send({ jsonrpc: '2.0', id, result }),
  };
}
