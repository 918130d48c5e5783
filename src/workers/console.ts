/** Imported first by the entry: stdout belongs to the protocol, so nothing in this thread prints there. */
import { Console } from 'node:console';
import process from 'node:process';

globalThis.console = new Console(process.stderr, process.stderr);
