/**
 * What there is under one name in a directory, as far as it can be seen.
 */
export type Entry =
  | { readonly kind: 'none' }
  /** Nobody knows what the server would find there. */
  | { readonly kind: 'unknown'; readonly code: string }
  | { readonly kind: 'link'; readonly target: string }
  | {
      readonly kind: 'directory' | 'file';
      readonly dev: number;
      readonly ino: number;
      /** Names that it has. */
      readonly links: number;
      /** Milliseconds; 0 or nonsense on old systems. */
      readonly born: number;
      /** Milliseconds. */
      readonly changedAt: number;
    };

export type Directory = Extract<Entry, { readonly kind: 'directory' | 'file' }>;
