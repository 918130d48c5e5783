/** `rea logout NAME`: revokes the tokens of a server where that is offered, and removes them here in any case. */
import { sharedState } from '../audit/own-state.ts';
import { type LoginRecord, type LoginServer, loginsOf, removeLogin } from '../logins/record.ts';
import { revokeLogin } from '../logins/revoke.ts';
import { takeTurn } from '../logins/turn.ts';
import { stateDirectory } from '../processes/state-directory.ts';
import { beginAnew, type LoginPlace, loginServer } from './login-server.ts';
import { speechOn } from './say.ts';

const LIMIT_MS = 30_000;

/** Resolves with the exit code: 0 logged out, 1 not, 2 there is no such server. */
export async function runLogout(options: LoginPlace): Promise<number> {
  const { server: name } = options;
  const { say, warn, fail } = speechOn(options);
  const stateDir = stateDirectory(sharedState(options));
  const found = loginServer(options);
  // Also of a server that is not configured any more, or has another address.
  const { records, problems } = loginsOf(stateDir, name);
  // Tokens that stay are not said to be gone.
  if (problems.length > 0) {
    return fail(
      problems.map((one) => `${name}: ${one}; nothing was removed`),
      1,
    );
  }
  if (records.length === 0) {
    if (!found.ok) return fail(found.lines, 2);
    say(`${name}: nobody is logged in`);
    return 0;
  }
  const signal = AbortSignal.timeout(LIMIT_MS);
  for (const record of records) {
    const server = serverOf(record, found.ok ? found.server : null);
    const onBusy = (by: string) => say(`waiting for ${by}, which changes the login, too`);
    const turn = await takeTurn(stateDir, server, { onBusy });
    if (!turn.ok) return fail(`${name}: ${turn.why}`, 1);
    try {
      const now = loginsOf(stateDir, name).records.find(({ url }) => url === record.url) ?? record;
      const doubt = await revokeLogin(server, now, signal);
      removeLogin(stateDir, server);
      if (doubt !== null) warn(`${name}: ${found.ok ? found.hide(doubt) : doubt}`);
    } finally {
      turn.lock.release();
    }
  }
  say(`${name}: logged out`);
  // It is to be down now, so that is no failure.
  if (found.ok) await beginAnew(options, name);
  return 0;
}

/** The tokens go to the address that they were made for, and a configured secret to its issuer; to no other. */
function serverOf(record: LoginRecord, configured: LoginServer | null): LoginServer {
  const isSame = record.issuer === (configured?.endpoint.oauth?.issuer ?? record.issuer);
  if (configured?.endpoint.url === record.url && isSame) return configured;
  const endpoint = { url: record.url, headers: {}, tokenFile: null, oauth: null };
  return { name: record.server, endpoint };
}
