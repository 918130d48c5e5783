/** Imported first by each entry: stdout belongs to the protocol, so that no thread may print there. */
import { Console } from 'node:console';
import process from 'node:process';

globalThis.console = new Console(process.stderr, process.stderr);
