/** The gateway's own files, which no client may name to a server. Absolute paths; types only. */
export interface GuardedPlaces {
  /** The directory that the gateway works for; servers resolve relative paths against it. */
  readonly cwd: string;
  /** With everything below them. */
  readonly directories: readonly string[];
  /** Files that a client may name to a tool that only reads. */
  readonly files: readonly string[];
  /** May not be read either. */
  readonly secretFiles: readonly string[];
}
