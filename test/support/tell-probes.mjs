// Loaded with `--import …/tell-probes.mjs`: says on stderr, without opening anything, whenever main looks
// at one of its threads. The product knows nothing of it.
import { writeSync } from 'node:fs';
import { isMainThread, MessagePort } from 'node:worker_threads';

if (isMainThread) {
  const post = MessagePort.prototype.postMessage;
  MessagePort.prototype.postMessage = function (message, ...rest) {
    if (message?.path?.[0] === 'inspect') writeSync(2, 'main looks at a thread\n');
    return post.call(this, message, ...rest);
  };
}
