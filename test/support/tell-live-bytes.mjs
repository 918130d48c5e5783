// Loaded with `--import …/tell-live-bytes.mjs`: on SIGUSR2 main collects its garbage and says on stderr
// how many bytes are still in use. The product knows nothing of it.
import { writeSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  process.on('SIGUSR2', () => {
    // What the first pass only finds to be unused, buffers among it, is freed by the second.
    collect();
    setImmediate(() => {
      collect();
      const { heapUsed, external } = process.memoryUsage();
      writeSync(2, `live bytes: ${heapUsed + external}\n`);
    });
  });
}
