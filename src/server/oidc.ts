import * as oidc from 'openid-client';
import { ServerError } from './error.ts';
import { isLoopback } from './listen.ts';

const TIMEOUT_SECONDS = 10;
/** Keys and addresses of a provider change: they are read again after so long. */
const KEPT_MS = 3_600_000;

export interface OidcSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** What a browser keeps while its owner is at the provider. */
export interface OidcAttempt {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** A provider of OpenID Connect, asked by authorization code with PKCE, state and nonce. Its keys are found when it is first needed. */
export class OidcProvider {
  readonly #settings: OidcSettings;
  #found: { readonly config: Promise<oidc.Configuration>; readonly at: number } | undefined;

  constructor(settings: OidcSettings) {
    const url = URL.parse(settings.issuer);
    if (url === null || (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))))
      throw new ServerError('origin-invalid', 'input', {
        what: 'a provider of OpenID Connect must have an https address',
        where: settings.issuer,
        remedy: 'set oidc.issuer to what its discovery document says',
      });
    this.#settings = settings;
  }

  /** Where the browser is sent, and what it has to bring back. Errors: provider-unreachable. */
  async begin(redirectUri: string): Promise<{ readonly url: string; readonly attempt: OidcAttempt }> {
    const config = await this.#config();
    const attempt = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      verifier: oidc.randomPKCECodeVerifier(),
    };
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: 'openid',
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(attempt.verifier),
      code_challenge_method: 'S256',
    });
    return { url: url.href, attempt };
  }

  /**
   * Who it is that comes back to `callback`, the whole address with code and state. Issuer, audience, signature, times, nonce, state
   * and code verifier are checked. Errors: provider-unreachable; login-failed, whatever does not fit.
   */
  async end(callback: URL, { state, nonce, verifier }: OidcAttempt): Promise<{ issuer: string; subject: string }> {
    const config = await this.#config();
    try {
      const tokens = await oidc.authorizationCodeGrant(config, callback, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (claims !== undefined) return { issuer: claims.iss, subject: claims.sub };
    } catch (error) {
      throw new ServerError('login-failed', 'untrusted', {
        what: 'the login at the provider did not succeed',
        cause: error,
      });
    }
    throw new ServerError('login-failed', 'untrusted', { what: 'the provider did not say who it is' });
  }

  async #config(): Promise<oidc.Configuration> {
    if (this.#found === undefined || performance.now() - this.#found.at > KEPT_MS)
      this.#found = { config: this.#discover(), at: performance.now() };
    try {
      return await this.#found.config;
    } catch (error) {
      this.#found = undefined;
      throw new ServerError('provider-unreachable', 'network', {
        what: 'the login provider does not answer',
        cause: error,
      });
    }
  }

  async #discover(): Promise<oidc.Configuration> {
    const { issuer, clientId, clientSecret } = this.#settings;
    const url = new URL(issuer);
    // The signature counts although the token came over TLS: whoever ends TLS in between must not say who somebody is.
    const execute = [
      oidc.enableNonRepudiationChecks,
      ...(url.protocol === 'http:' ? [oidc.allowInsecureRequests] : []),
    ];
    const options = { timeout: TIMEOUT_SECONDS, execute };
    return oidc.discovery(url, clientId, {}, oidc.ClientSecretBasic(clientSecret), options);
  }
}
