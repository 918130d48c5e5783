/**
 * Why goals are missed, as far as it was found, for `docs/benchmarks.md`: shown under the goals for every
 * figure of which a part is missed in one of the runs. Where it is said at length is linked.
 */

const DATA_PATH = '[decision 11](decisions/0011-data-path.md)';
const PRIORITIES = '[decision 7](decisions/0007-priorities.md)';
const THREADS =
  '[decision 3](decisions/0003-thread-memory.md), [decision 9](decisions/0009-placement.md)';
const CREDIT = '[decision 8](decisions/0008-byte-credit.md)';

/** By the figure of the goal. */
export const REASONS: Readonly<Record<string, string>> = {
  'healthy p50 under a storm ÷ calm': `a call wakes six threads, and each may wait until the time slice of a spinning process is over, however little weight that has (${PRIORITIES}); 20 MB results to the same client on stdio occupy its one pipe for two fifths of the time (${DATA_PATH})`,
  'healthy p99 under a storm ÷ calm': `sixteen servers that begin at the same moment have most of two cores until they are lowered or their pipes are full, some 200 ms, in which 40 of 1,000 calls fall; a small answer to a client on stdio waits for the 20 MB before it (${DATA_PATH})`,
  'RSS under a 20 MB storm': `up to 192 MiB of answers may wait for the client (${CREDIT}); with 20 idle servers the gateway takes 300 MiB; how the rest is made up was not measured`,
  'throughput ÷ in-process SDK gateway': `client, server, main and supervisor thread share two cores, and both are busy; main takes less than half of what the in-process gateway takes, so that more cores carry more (${DATA_PATH}); with 10 MB client and server are the limit: without any gateway they make 6 times as many calls as with the in-process one`,
  'RSS per server in a thread of its own': `what V8 and Node need for an empty thread, which is more on Node 24 (${THREADS}); beside more than 32 servers they share eight`,
};
