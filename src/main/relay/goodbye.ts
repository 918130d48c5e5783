/** How a gateway tells a relay that it stops because somebody wanted it to. */
import { notificationLine } from '../../shared/json/json-rpc.ts';

/** For relays only: no client ever sees it. */
export const GOODBYE_METHOD = 'notifications/rea/stopped';

export const GOODBYE = notificationLine(GOODBYE_METHOD, null);
