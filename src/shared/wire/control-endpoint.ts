/**
 * A message port as Comlink wants it. Comlink would listen with `addEventListener`, and for the first
 * event of the web that a thread makes Node loads all of its web code there: 90 ms of CPU in each thread,
 * at the same time in all, and some MiB.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Endpoint } from 'comlink';

type Listener = Parameters<Endpoint['addEventListener']>[1];

export function controlEndpoint(port: MessagePort): Endpoint {
  const listeners = new Map<Listener, (data: unknown) => void>();
  return {
    postMessage: (message, transfer = []) =>
      port.postMessage(message, transfer as unknown as MessagePort[]),
    addEventListener: (_type, listener) => {
      const listen = (data: unknown) => {
        const event = { data } as unknown as MessageEvent;
        if (typeof listener === 'function') listener(event);
        else listener.handleEvent(event);
      };
      listeners.set(listener, listen);
      port.on('message', listen);
    },
    removeEventListener: (_type, listener) => {
      const listen = listeners.get(listener);
      if (listen !== undefined) port.off('message', listen);
      listeners.delete(listener);
    },
    start: () => port.start(),
  };
}
