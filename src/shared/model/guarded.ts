/** What no client may name to a server: the gateway's own files. Absolute paths; types only. */
export interface GuardedPlaces {
  /** The directory that the gateway works for; servers resolve relative paths against it. */
  readonly cwd: string;
  /** With everything below them. */
  readonly directories: readonly string[];
  /** May be read. */
  readonly files: readonly string[];
}
