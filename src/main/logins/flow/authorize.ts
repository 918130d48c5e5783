/**
 * A login: who is asked, as whom, and what comes of it. Nothing is written here. Each kind of login ends in tokens,
 * or in a `LoginFault` whose text is the one line to say.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AuthorizationServer,
  authorizationCodeGrantRequest,
  calculatePKCECodeChallenge,
  deviceAuthorizationRequest,
  deviceCodeGrantRequest,
  generateRandomCodeVerifier,
  generateRandomState,
  processAuthorizationCodeResponse,
  processDeviceAuthorizationResponse,
  processDeviceCodeResponse,
  validateAuthResponse,
} from 'oauth4webapi';
import {
  clientOf,
  faultText,
  proofOf,
  protocolError,
  type Registration,
  type Requests,
  tokensOf,
} from '../client.ts';
import { grantAnswer } from '../grant.ts';
import { type Guard, LoginFault, Unanswered } from '../net/guarded-fetch.ts';
import type { LoginServer, Tokens } from '../record.ts';

/** Everything that a login is made with. */
export interface Attempt {
  readonly server: LoginServer;
  readonly as: AuthorizationServer;
  readonly registration: Registration;
  /** What the tokens are for. */
  readonly resource: string;
  readonly scope: string | null;
  readonly redirectUri: string;
  readonly requests: Requests;
  /** Of an address before a person is sent there. */
  readonly checkShown: Guard['checkShown'];
  readonly signal: AbortSignal;
}

const SLOW_DOWN_MS = 5000;
const LEAST_POLL_MS = 1000;
const MOST_POLL_MS = 60_000;

/** @param ask shows a person the address, and resolves with the parameters that come back. */
export async function byBrowser(
  attempt: Attempt,
  ask: (url: string, state: string) => Promise<URLSearchParams>,
): Promise<Tokens> {
  const { server, as, registration, resource, scope, redirectUri, requests, checkShown } = attempt;
  if (as.authorization_endpoint === undefined) {
    throw new LoginFault(`${as.issuer} has no authorization_endpoint: try rea login --device`);
  }
  const verifier = generateRandomCodeVerifier();
  const state = generateRandomState();
  const url = await checkShown(as.authorization_endpoint, 'its authorization_endpoint');
  const asked = {
    response_type: 'code',
    client_id: registration.client_id,
    redirect_uri: redirectUri,
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    resource,
    ...(scope === null ? {} : { scope }),
  };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  const answer = await ask(url.href, state);
  const client = clientOf(registration);
  try {
    const parameters = validateAuthResponse(as, client, answer, state);
    const since = Date.now();
    const response = await authorizationCodeGrantRequest(
      as,
      client,
      proofOf(server, registration),
      parameters,
      redirectUri,
      verifier,
      { ...requests, additionalParameters: { resource } },
    );
    const granted = await grantAnswer(response);
    return tokensOf(await processAuthorizationCodeResponse(as, client, granted), since);
  } catch (error) {
    throw meant(error, attempt.signal);
  }
}

/** What a person types at another device. */
export interface DevicePrompt {
  readonly url: string;
  readonly code: string;
}

/**
 * The authorization server has a page for a code; no browser is needed on this machine.
 *
 * @param pause waits between two questions.
 */
export async function byDevice(
  { server, as, registration, resource, scope, requests, checkShown, signal }: Attempt,
  show: (prompt: DevicePrompt) => void,
  pause: (ms: number, signal: AbortSignal) => Promise<void> = sleepUntil,
): Promise<Tokens> {
  const client = clientOf(registration);
  const proof = proofOf(server, registration);
  const asked = { resource, ...(scope === null ? {} : { scope }) };
  try {
    const began = await deviceAuthorizationRequest(as, client, proof, asked, requests);
    const device = await processDeviceAuthorizationResponse(as, client, began);
    const { user_code: code, interval = 5 } = device;
    const address = device.verification_uri_complete ?? device.verification_uri;
    const page = await checkShown(address, 'its verification_uri');
    show({ url: page.href, code: typed(code) });
    const end = performance.now() + device.expires_in * 1000;
    let pauseMs = Math.min(Math.max(interval * 1000, LEAST_POLL_MS), MOST_POLL_MS);
    while (performance.now() < end) {
      await pause(pauseMs, signal);
      const since = Date.now();
      try {
        const response = await deviceCodeGrantRequest(as, client, proof, device.device_code, {
          ...requests,
          additionalParameters: { resource },
        });
        if (response.status >= 500) throw new Unanswered('');
        const granted = await grantAnswer(response);
        return tokensOf(await processDeviceCodeResponse(as, client, granted), since);
      } catch (error) {
        const said = protocolError(error);
        // A person may be typing: one question that is lost ends nothing.
        if (error instanceof Unanswered) pauseMs = Math.min(pauseMs * 2, MOST_POLL_MS);
        else if (said === 'slow_down') pauseMs += SLOW_DOWN_MS;
        else if (said !== 'authorization_pending') throw error;
      }
    }
    throw new LoginFault('the code was not typed in time: nothing was written');
  } catch (error) {
    throw meant(error, signal);
  }
}

async function sleepUntil(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal });
}

function typed(code: string): string {
  if (/^[\x21-\x7e]{1,64}$/.test(code)) return code;
  throw new LoginFault('its code cannot be typed');
}

function meant(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  const said = protocolError(error);
  if (said === 'access_denied') return new LoginFault('the login was denied: nothing was written');
  if (said === 'expired_token')
    return new LoginFault('the code was not typed in time: nothing was written');
  return new LoginFault(faultText(error));
}
