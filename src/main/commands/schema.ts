/**
 * `rea schema`: writes the schemas that editors check `registry.yaml` and `policy.yaml` with, as `rea init` does.
 * They are made by the program, so those that are there are replaced.
 */
import { extname } from 'node:path';
import { readSmallFile, writeWholeFile } from '../../shared/platform/safe-file.ts';
import { oneLine } from '../../shared/text/clean-text.ts';
import { configCandidates } from '../config/default-files.ts';
import { SCHEMA_LINE, schemaFile, schemaLine } from '../config/editor/files.ts';
import { SCHEMA_NAMES, schemaText } from '../config/editor/schemas.ts';
import { policyFiles } from '../config/policy.ts';
import { displayName, systemCode } from '../config/read-file.ts';
import { hasRea } from '../processes/project-directory.ts';

const MAX_BYTES = 1024 * 1024;

export interface SchemaOptions {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  /** The configuration in place of `.rea/registry.yaml`. */
  readonly config?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/** @returns the exit code: 0 they are written, 1 not. */
export function runSchema(options: SchemaOptions): number {
  const { cwd, config, env, stdout, stderr } = options;
  const say = (line: string) => stdout.write(`${oneLine(line)}\n`);
  const failed = hasRea(cwd)
    ? writeSchemas(cwd, say)
    : `there is no .rea in ${cwd} or above it to write them to: rea init`;
  if (failed !== null) {
    stderr.write(`rea: ${oneLine(failed)}\n`);
    return 1;
  }
  const [policy] = policyFiles({ cwd, env });
  const files = { registry: configCandidates(cwd, config), policy: [policy] };
  for (const name of SCHEMA_NAMES) {
    for (const file of files[name].filter(isWithoutLine)) {
      const line = schemaLine(file, cwd, name).trimEnd();
      if (line !== '') say(`for editors, let ${displayName(file, cwd)} begin with: ${line}`);
    }
  }
  return 0;
}

/** @param say takes a line for each file. @returns why one cannot be written, or null. */
export function writeSchemas(cwd: string, say: (line: string) => void): string | null {
  for (const name of SCHEMA_NAMES) {
    const file = schemaFile(cwd, name);
    const shown = displayName(file, cwd);
    try {
      writeWholeFile(file, schemaText(name), 'replace');
    } catch (error) {
      return `${shown} cannot be written (${systemCode(error)})`;
    }
    say(`wrote ${shown}`);
  }
  return null;
}

/** A file of ours, in YAML, that names no schema yet. */
function isWithoutLine(file: string): boolean {
  if (!['.yaml', '.yml'].includes(extname(file).toLowerCase())) return false;
  const read = readSmallFile(file, MAX_BYTES);
  return read.kind === 'file' && !SCHEMA_LINE.test(read.bytes.toString());
}
