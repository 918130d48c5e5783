/** What threads and main say to each other about logins. */

/** What there is to send to a server: a token, none (both null), or none now. */
export interface TokenReply {
  readonly token: string | null;
  /** Why there is none now although somebody has logged in, in one line. */
  readonly problem: string | null;
  /** Main knows that nobody is logged in, or no more. False with neither token nor problem: there is no other token to try. */
  readonly over: boolean;
}

/** A reply, and whom it is for: places in threads are used again by other servers. */
export interface TokenFor extends TokenReply {
  /** Name of the lane. */
  readonly server: string;
  /** Address of the server; a token goes to no other. */
  readonly url: string | null;
  /** That has asked; null: nobody has, and the one that runs takes it. */
  readonly incarnation: number | null;
}

/** The end of a text about a server that waits for a login; the table of causes takes the action from it. */
export const TO_LOG_IN = /; to log in: (rea login [a-z0-9-]+(?: --scope "[^"]*")?)$/;

/** @param scope that the server asks for, as `isScope` lets it through. */
export function toLogIn(server: string, scope: string | null = null): string {
  return `; to log in: rea login ${server}${scope === null ? '' : ` --scope "${scope}"`}`;
}
