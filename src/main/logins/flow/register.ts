/** How an authorization server knows rea: as it is configured, by a document, or because rea registers itself. */
import {
  type AuthorizationServer,
  type Client,
  dynamicClientRegistrationRequest,
  processDynamicClientRegistrationResponse,
} from 'oauth4webapi';
import { isObject } from '../../../shared/model/is-object.ts';
import { faultText, methodOf, type Registration, type Requests } from '../client.ts';
import { LoginFault } from '../net/guarded-fetch.ts';
import type { LoginServer } from '../record.ts';

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const MAX_UNITS = 8192;
const METHODS = ['none', 'client_secret_basic', 'client_secret_post'] as const;

export interface Wanted {
  readonly server: LoginServer;
  readonly redirectUri: string;
  readonly scope: string | null;
}

/** @throws LoginFault with what to do where it takes no new clients. */
export async function registrationOf(
  as: AuthorizationServer,
  { server, redirectUri, scope }: Wanted,
  requests: Requests,
): Promise<Registration> {
  const oauth = server.endpoint.oauth;
  const issuer = oauth?.issuer ?? null;
  if (issuer !== null && issuer !== as.issuer) {
    throw new LoginFault(
      `the server names the authorization server ${as.issuer}, and oauth.issuer in its entry is another one: ask who runs it`,
    );
  }
  if (oauth !== null && oauth.clientId !== null) {
    const auth_method = methodOf(as, oauth.clientSecret !== null);
    return { client_id: oauth.clientId, client_secret: null, auth_method };
  }
  const document = oauth?.clientMetadataUrl ?? null;
  if (document !== null && as['client_id_metadata_document_supported'] === true) {
    return { client_id: document, client_secret: null, auth_method: 'none' };
  }
  if (as.registration_endpoint === undefined) {
    throw new LoginFault(
      `${as.issuer} registers no clients by itself: make one there with the redirect ${redirectUri} (or --port), and write oauth: {client_id: …} into its entry`,
    );
  }
  const asked: Partial<Client> = {
    client_name: 'rea',
    application_type: 'native',
    redirect_uris: [redirectUri],
    response_types: ['code'],
    grant_types: [
      'authorization_code',
      'refresh_token',
      ...(as.device_authorization_endpoint === undefined ? [] : [DEVICE]),
    ],
    token_endpoint_auth_method: 'none',
    ...(scope === null ? {} : { scope }),
  };
  try {
    const response = await dynamicClientRegistrationRequest(as, asked as Client, requests);
    // Anything but a refusal: some say 200, and some leave out when a secret ends.
    if (!response.ok) await processDynamicClientRegistrationResponse(response);
    return registrationIn(await response.json().catch(() => null), as);
  } catch (error) {
    throw new LoginFault(
      `${as.issuer} does not register rea (${faultText(error)}): make a client there, and write oauth: {client_id: …} into its entry`,
    );
  }
}

function registrationIn(said: unknown, as: AuthorizationServer): Registration {
  const made: Readonly<Record<string, unknown>> = isObject(said) ? said : {};
  const { client_id, client_secret, token_endpoint_auth_method: method } = made;
  if (!isText(client_id)) throw new LoginFault('its answer has no client_id');
  const secret = isText(client_secret) ? client_secret : null;
  if (secret === null) return { client_id, client_secret: null, auth_method: 'none' };
  const known = METHODS.find((one) => one === method);
  return { client_id, client_secret: secret, auth_method: known ?? methodOf(as, true) };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_UNITS;
}
