/** Comlink ships this module without a declaration that TypeScript finds. */
declare module 'comlink/dist/esm/node-adapter.mjs' {
  export default function nodeEndpoint(
    port: import('node:worker_threads').MessagePort,
  ): import('comlink').Endpoint;
}
