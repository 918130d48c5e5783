// What the hop through a worker thread costs by itself: bytes go from the client by way of the main thread
// and a worker to the one server and back, unread. The floor of what a gateway built like rea can reach;
// no gateway. Arguments: the server's command.
import { spawn } from 'node:child_process';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { workerData: process.argv.slice(2) });
  // Copied, since a chunk may be part of a pool, and moved, as a gateway would.
  process.stdin.on('data', (chunk) => {
    const bytes = new Uint8Array(chunk);
    worker.postMessage(bytes, [bytes.buffer]);
  });
  process.stdin.on('end', () => worker.postMessage(null));
  worker.on('message', (bytes) => process.stdout.write(bytes));
} else {
  const [command, ...args] = workerData;
  const server = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  server.on('exit', () => process.exit());
  server.stdout.on('data', (chunk) => {
    const bytes = new Uint8Array(chunk);
    parentPort.postMessage(bytes, [bytes.buffer]);
  });
  parentPort.on('message', (bytes) => {
    if (bytes === null) server.stdin.end();
    else server.stdin.write(bytes);
  });
}
