/**
 * Comlink's own adapter for Node's message ports. Without it, Comlink would use `addEventListener`. Node 24
 * loads all of its web code for the first such event in a thread: 100 ms of CPU and 3 MiB, in all threads
 * at the same time.
 */
export { default as controlEndpoint } from 'comlink/dist/esm/node-adapter.mjs';
