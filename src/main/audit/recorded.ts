/** What became of the record of a command, and how that is said. */
export type Recorded =
  | { readonly kind: 'recorded' }
  /** The policy says so. */
  | { readonly kind: 'off' }
  | {
      readonly kind: 'failed';
      /** One line. */
      readonly why: string;
      /** The policy wants nothing to be changed that is not recorded. */
      readonly refuse: boolean;
    };

/** One line for whoever has run the command; null: there is nothing to say. */
export function notRecorded(recorded: Recorded): string | null {
  if (recorded.kind !== 'failed') return null;
  const why = `not recorded in the audit log: ${recorded.why}`;
  return recorded.refuse ? `${why}; the policy wants it recorded (audit.on_failure: deny)` : why;
}
