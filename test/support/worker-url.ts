/** Where the entry of a thread or of the launcher lies: beside the source where Node runs TypeScript, else in the build. */
export function workerUrl(name: 'supervisor' | 'state-writer' | 'launcher'): URL {
  const entry =
    'typescript' in process.features && process.features.typescript
      ? `../../src/workers/${name}/entry.ts`
      : `../../dist/workers/${name}/entry.cjs`;
  return new URL(entry, import.meta.url);
}

/** Arguments for Node with which a child process finds `#src`, as this process does. */
export const sourceArgs: readonly string[] =
  'typescript' in process.features && process.features.typescript ? [] : ['--conditions=dist'];
