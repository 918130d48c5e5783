/** The files of clients on this machine that have servers of their own, and what these are. Nothing is written. */
import { openConfig } from '../load.ts';
import { problemLines } from '../problem.ts';
import {
  clientFiles,
  type FoundFile,
  type Host,
  MAX_CLIENT_BYTES,
  shownPath,
} from './known/files.ts';
import type { NamedDraft } from './merge.ts';

export interface Source extends FoundFile, NamedDraft {}

export interface Sources {
  readonly sources: readonly Source[];
  /** One line for each file that cannot be read. */
  readonly problems: readonly string[];
}

/** @param cwd absolute. */
export function findSources(cwd: string, host: Host): Sources {
  const sources: Source[] = [];
  const problems: string[] = [];
  for (const found of clientFiles(cwd, host)) {
    // Trusted: a person sees what it says before anything is started.
    const opened = openConfig({
      cwd,
      file: found.file,
      trustConfig: true,
      maxBytes: MAX_CLIENT_BYTES,
    });
    const wrong = opened.ok ? opened.document.problems : opened.problems;
    if (!opened.ok || (wrong.length > 0 && opened.draft.dialect === 'client')) {
      problems.push(...problemLines(wrong).slice(0, 1));
    } else if (opened.draft.dialect === 'client' && opened.draft.servers.length > 0) {
      sources.push({ ...found, draft: opened.draft });
    }
  }
  return { sources, problems };
}

/** The name of a source's file in messages. */
export function shownSource({ file, isProject, client }: FoundFile, host: Host): string {
  return isProject ? (client.projectFile ?? file) : shownPath(file, host);
}
