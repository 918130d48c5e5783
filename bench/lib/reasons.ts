/**
 * Why goals are missed, as far as it was found, for `docs/benchmarks.md`: shown under the goals for every
 * figure of which a part is missed in one of the runs. Where it is said at length is linked.
 */

const DATA_PATH = '[decision 11](decisions/0011-data-path.md)';
const PRIORITIES = '[decision 7](decisions/0007-priorities.md)';
const THREADS =
  '[decision 3](decisions/0003-thread-memory.md), [decision 9](decisions/0009-placement.md)';
const CREDIT = '[decision 8](decisions/0008-byte-credit.md)';
const LAUNCHER = '[decision 12](decisions/0012-launcher.md)';

/** By the figure of the goal. */
export const REASONS: Readonly<Record<string, string>> = {
  'healthy p50 under a storm ÷ calm': `a call wakes six threads, and each may wait until the time slice of a spinning process is over, however little weight that has (${PRIORITIES}); 20 MB results to the same client on stdio occupy its one pipe for two fifths of the time (${DATA_PATH})`,
  'healthy p99 under a storm ÷ calm': `sixteen servers that begin at the same moment have most of two cores until they are lowered or their pipes are full, some 200 ms, in which 40 of 1,000 calls fall; a small answer to a client on stdio waits for the 20 MB before it (${DATA_PATH})`,
  'RSS under a 20 MB storm': `up to 192 MiB of answers may wait for the client (${CREDIT}); with 20 idle servers the gateway takes 300 MiB; how the rest is made up was not measured`,
  'call latency ÷ direct SDK call, real server': `a call through rea wakes six threads instead of two, which takes 0.21 ms while the kernel keeps them on one CPU and 0.45 ms when it spreads them over two halted virtual ones, against 0.05 ms without a gateway; its JavaScript takes 30 µs of that (${DATA_PATH})`,
  'call latency ÷ direct raw call': `each page of a large message is touched for the first time in the gateway, 16 µs for 4 KiB on this machine (${LAUNCHER})`,
  'main-thread busy per call ÷ in-process SDK gateway':
    'with 10 KB on Node 24 in one run; the cause was not found, and on Node 20 the same is less than half',
  'throughput ÷ in-process SDK gateway': `client, server, main and supervisor thread share two cores, and both are busy; main takes less than half of what the in-process gateway takes, so that more cores carry more (${DATA_PATH})`,
  'RSS per server in a thread of its own': `what V8 and Node need for an empty thread, which is more on Node 24 (${THREADS}); beside more than 32 servers they share eight`,
};
