/** Composition root of the state-writer thread. */
import '../console.ts';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { expose } from 'comlink';
import { controlEndpoint } from '../../shared/protocol/control-endpoint.ts';
import type {
  FromStateWriter,
  StateWriterControl,
  StateWriterData,
  ToStateWriter,
} from '../../shared/protocol/threads.ts';
import { Publisher } from './publisher.ts';

const data = workerData as StateWriterData;
const main = parentPort as MessagePort;

const publisher = new Publisher(data, (message: FromStateWriter) => main.postMessage(message));
const control: StateWriterControl = {
  flush: () => publisher.flush(),
  close: () => publisher.close(),
  inspect: () => publisher.inspect(),
};

main.on('message', (message: ToStateWriter) => publisher.attach(message.port));
expose(control, controlEndpoint(data.controlPort));
publisher.start();
