/**
 * Why goals are missed and why others are ahead, as far as it was found, for `docs/benchmarks.md`: shown for every
 * figure that is missed or behind in one of the runs. Where it is said at length is linked.
 */

const DATA_PATH = '[decision 11](decisions/0011-data-path.md)';
const PRIORITIES = '[decision 7](decisions/0007-priorities.md)';
const THREADS =
  '[decision 3](decisions/0003-thread-memory.md), [decision 9](decisions/0009-placement.md)';
const CREDIT = '[decision 8](decisions/0008-byte-credit.md)';

const THREAD_START =
  'each supervisor thread takes some 40 ms on a CPU before it serves, most of it for Node’s own modules, which every thread compiles again; the servers need the same two cores to start';
const THREAD_MEMORY = `what V8 and Node need for each thread, which is more on Node 24 (${THREADS})`;
const HOP = `a call wakes main and supervisor thread on its way there and back, where an in-process gateway has one (${DATA_PATH})`;
const RULES =
  'for each call supervisor threads look at the paths in its arguments and search its result for secrets and for text that hides, which the in-process gateway does not';
const HTTP_HOP =
  'a thread more than a bridge has: an HTTP server of Node with nothing but a thread and a server behind it already takes as long as supergateway';

/** By the figure of the goal. */
export const REASONS: Readonly<Record<string, string>> = {
  'healthy p50 under a storm ÷ calm': `a call wakes six threads, and each may wait until the time slice of a spinning process is over, however little weight that has (${PRIORITIES}); 20 MB results to the same client on stdio occupy its one pipe for two fifths of the time (${DATA_PATH})`,
  'healthy p99 under a storm ÷ calm': `sixteen servers that begin at the same moment have most of two cores until they are lowered or their pipes are full, some 200 ms, in which 40 of 1,000 calls fall; a small answer to a client on stdio waits for the 20 MB before it (${DATA_PATH})`,
  'RSS under a 20 MB storm': `up to 192 MiB of answers may wait for the client (${CREDIT}); with 20 idle servers the gateway takes 300 MiB; how the rest is made up was not measured`,
  '`initialize` answered ÷ `node -e 0`': `most of it is Node that compiles the gateway’s own code: put together into a few files it answers some 75 ms earlier than in many`,
  'first complete tools/list, cold ÷ in-process': THREAD_START,
  'RSS ÷ in-process': THREAD_MEMORY,
  'stdio call ÷ in-process': `${HOP}; when nothing was called for 5 ms all of them have gone to sleep, and what a call runs through has to be fetched again`,
  'HTTP call ÷ supergateway': HTTP_HOP,
  'HTTP call ÷ mcp-hub': HTTP_HOP,
  'longest /healthz beside a POST of 30 MB': `a body is scanned as it comes, but put together and copied in one piece when it is whole; the rest is the scheduler’s, which is why the longest wait without a POST stands beside it`,
  'throughput ÷ in-process SDK gateway': `${RULES}; they share two cores with main, client and server, and both are busy (${DATA_PATH}); with 10 MB client and server are the limit: without any gateway they make 6 times as many calls as with the in-process one`,
  'the same with redaction of results': RULES,
  'call latency ÷ without rules and audit log':
    'a call that writes waits until its record is on the disk, which takes two more wake-ups of threads than the sync itself',
  'call with five paths ÷ with none':
    'each directory and file on the way to a path is looked at before the call leaves, so that no link leads to the gateway’s own files ([decision 13](decisions/0013-paths.md))',
  'call at 2026-07-28 ÷ with a handshake, stdio':
    'each request says anew who its client is and what it can do, and the gateway says it anew to the server: 200 bytes that both read; with 10 MB the difference is smaller than what one round differs from the next',
  'call at 2026-07-28 ÷ with a handshake, HTTP':
    'each request says anew who its client is and what it can do, in its body and in three headers',
  'added by the relay':
    'a call goes through one process more, which is woken on its way there and on its way back',
  'memory of the relay':
    'it begins with 47 MiB, some 39 of them Node’s own; the rest comes when V8 compiles for speed, without which each call would take twice as long',
  'RSS per server in a thread of its own': `what V8 and Node need for an empty thread, which is more on Node 24 (${THREADS}); more than eight servers share at most four by default`,
};

/** By the program and the figure. */
export const WHY_BEHIND: Readonly<Record<string, string>> = {
  'latency, p50': `Over stdio ${HOP}; over HTTP ${HTTP_HOP}`,
  'start, initialize answered': 'Node compiles the gateway’s own code, of which there is more',
  'start, complete list of tools': `Cold, ${THREAD_START}`,
  'fleet, complete list of tools': `Cold, ${THREAD_START}`,
  'memory, RSS': `It is ${THREAD_MEMORY}`,
  'memory, OS threads': 'Servers have threads here, and none there',
  'storm, calm p50': `As for a single call: ${HOP}`,
  'storm, peak RSS of the gateway': `It is ${THREAD_MEMORY}`,
};
