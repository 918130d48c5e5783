// Loaded with `--import …/refuse-threads.mjs?dir=DIR`: while `DIR/refuse.<kind>` exists, the system
// allows no further thread of that kind, as it does at the limit of a user's processes. Each attempt
// adds a line to `DIR/refused.log`. The product knows nothing of it.
import { appendFileSync, existsSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import threads, { isMainThread } from 'node:worker_threads';

const dir = new URL(import.meta.url).searchParams.get('dir');

if (isMainThread && dir !== null) {
  const RealWorker = threads.Worker;
  threads.Worker = class Worker extends RealWorker {
    constructor(url, options) {
      const kind = options?.workerData?.kind;
      if (existsSync(join(dir, `refuse.${kind}`))) {
        appendFileSync(join(dir, 'refused.log'), `${kind}\n`);
        const error = new Error('Worker initialization failure: EAGAIN');
        throw Object.assign(error, { code: 'ERR_WORKER_INIT_FAILED' });
      }
      super(url, options);
    }
  };
  syncBuiltinESMExports();
}
