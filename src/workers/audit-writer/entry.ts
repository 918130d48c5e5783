/** Composition root of the audit-writer thread. */
import '../console.ts';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { expose } from 'comlink';
import type {
  AuditWriterControl,
  AuditWriterData,
  FromAuditWriter,
  ToAuditWriter,
} from '../../shared/protocol/audit.ts';
import { controlEndpoint } from '../../shared/protocol/control-endpoint.ts';
import { AuditWriter } from './audit-writer.ts';

const data = workerData as AuditWriterData;
const main = parentPort as MessagePort;

const writer = new AuditWriter(data, (message: FromAuditWriter) => main.postMessage(message));
const control: AuditWriterControl = {
  close: () => writer.close(main),
  inspect: () => writer.inspect(),
};

main.on('message', (message: ToAuditWriter) => writer.take(message));
expose(control, controlEndpoint(data.controlPort));
writer.start();
