/**
 * Makes what a conversation needs when its server may have no handshake, and joins it with the other parts. Loads
 * files of their own: few threads need them.
 */
import type { Line } from '../link.ts';
import type { Answers } from './answers.ts';
import type { ConversationListener } from './conversation-listener.ts';
import type { OwnRequests } from './own-requests.ts';
import type { ServerLists } from './server-lists.ts';
import type { ServerRequests } from './server-requests.ts';
import type { Stateless } from './stateless/stateless.ts';
import type { ToldCapabilities } from './told-capabilities.ts';

interface Parts {
  readonly gatewayVersion: string;
  readonly capabilities: Pick<ToldCapabilities, 'ofCall'>;
  readonly logLevel: string | null;
  readonly line: Line;
  readonly listener: Pick<ConversationListener, 'trouble' | 'condemned'>;
  readonly requests: OwnRequests;
  readonly lists: ServerLists;
  readonly answers: Answers;
  readonly serverRequests: ServerRequests;
}

export interface StatelessSide {
  readonly discovery: typeof import('./stateless/discovery.ts');
  readonly side: Stateless;
}

export async function statelessSide(parts: Parts): Promise<StatelessSide> {
  const [discovery, { Stateless: Side }] = await Promise.all([
    import('./stateless/discovery.ts'),
    import('./stateless/stateless.ts'),
  ]);
  const { listener, lists, answers, serverRequests } = parts;
  const side = new Side({
    ...parts,
    ask: (question, call) => {
      const { frame, method, key } = question;
      serverRequests.ask(frame, method, call, JSON.parse(key));
    },
    withdraw: (cancelled) => serverRequests.cancelled(cancelled),
    give: (call, result) => answers.give(call, result),
    fail: (call, why) => answers.spoil(call, why),
    onMissed: () => lists.missed(),
    onTrouble: (text) => listener.trouble(text),
    onChanged: (detail) => listener.condemned('handshake', detail),
  });
  return { discovery, side };
}
