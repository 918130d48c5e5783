/**
 * Entry of a supervisor thread: builds one supervisor for each server that main opens, connects them to the
 * ports, and counts heartbeats in shared memory. Composition only.
 */
import '../console.ts';
import { basename } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { type MessagePort, threadId, workerData } from 'node:worker_threads';
import { expose } from 'comlink';
import { ByteCredit } from '../../shared/memory/byte-credit.ts';
import { KnownPlaces } from '../../shared/memory/known-places.ts';
import { LookupSlots } from '../../shared/memory/lookup-slots.ts';
import { ThreadVitals } from '../../shared/memory/vitals.ts';
import { controlEndpoint } from '../../shared/protocol/control-endpoint.ts';
import type { FromSupervisor } from '../../shared/protocol/from-supervisor.ts';
import { type Batch, messagesIn, PortBatch } from '../../shared/protocol/port-batch.ts';
import type { SupervisorControl, SupervisorThreadData } from '../../shared/protocol/threads.ts';
import type { ToSupervisor } from '../../shared/protocol/to-supervisor.ts';
import { osThreadId } from '../process/process-group.ts';
import type { SupervisorContext } from './context.ts';
import { loadedModules } from './loaded-modules.ts';
import { Mounts } from './rules/mounts.ts';
import { OddNames } from './rules/odd-names.ts';
import { SlowLooks } from './rules/slow-looks.ts';
import { Supervisor } from './supervisor.ts';
import { Workload } from './workload.ts';

const BEAT_MS = 250;

const data: SupervisorThreadData = workerData;
const vitals = new ThreadVitals(data.vitals);
const workload = new Workload(vitals);
const supervisors = new Map<number, Supervisor>();
let factsPort: MessagePort = data.factsPort;
const outgoing = new PortBatch<FromSupervisor>({
  post: (batch, transfer) => data.callPort.postMessage(batch, transfer),
  later: (flush) => setImmediate(flush),
});
const context: Omit<SupervisorContext, 'Remote'> = {
  ...data,
  session: basename(data.groupsFile, '.groups'),
  vitals,
  workload,
  byteCredit: new ByteCredit(data.credit),
  looks: {
    known: new KnownPlaces(data.knownPlaces),
    mounts: new Mounts(),
    odd: new OddNames(),
    slow: new SlowLooks(new LookupSlots(data.lookups), threadId),
  },
  post: (message, transfer) => outgoing.add(message, transfer),
  factsPort: () => factsPort,
};
const control: SupervisorControl = {
  inspect: () => ({
    heapUsedBytes: getHeapStatistics().used_heap_size,
    slots: [...supervisors.values()].map(({ server }) => server),
  }),
  modules: loadedModules,
};

vitals.setThreadId(osThreadId());
vitals.beat();
setInterval(() => vitals.beat(), BEAT_MS);
expose(control, controlEndpoint(data.controlPort));
// Half a MiB in each thread, which few need.
if (data.http) void import('./http/remote.ts').then(({ Remote }) => serve(Remote));
else serve(null);

function serve(Remote: SupervisorContext['Remote']): void {
  const whole = { ...context, Remote };
  data.callPort.on('message', (batch: Batch<ToSupervisor>) =>
    messagesIn(batch, (message) => receive(message, whole)),
  );
}

function receive(message: ToSupervisor, whole: SupervisorContext): void {
  if (message.type === 'facts_port') {
    factsPort = message.port;
    for (const supervisor of supervisors.values()) supervisor.retell();
    return;
  }
  const { slot } = message;
  workload.of(slot, () => {
    if (message.type === 'open') supervisors.set(slot, new Supervisor(message, whole));
    else if (message.type === 'release') release(slot);
    else supervisors.get(slot)?.receive(message);
  });
}

function release(slot: number): void {
  const left = supervisors.get(slot)?.release() ?? true;
  if (left) supervisors.delete(slot);
  outgoing.add({ type: 'released', slot, left }, []);
}
