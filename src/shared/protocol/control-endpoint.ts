/**
 * A message port as Comlink wants it, by Comlink's own adapter for Node. On the port itself it would
 * listen with `addEventListener`, and for the first event of the web that a thread makes Node 24 loads
 * all of its web code there: 100 ms of CPU in each thread, at the same time in all, and 3 MiB.
 */
export { default as controlEndpoint } from 'comlink/dist/esm/node-adapter.mjs';
