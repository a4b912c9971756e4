// A certified OpenID provider on a free port of loopback, as the tests want it. Its keys are good for one run.
//
// node server.mjs <URL of the module of oidc-provider> <its clients, as JSON>
// It prints its issuer, and ends with its standard input.

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';

const [, , moduleURL, clients] = process.argv;
const { Provider, errors } = await import(moduleURL);

const KEYS = [
  ['rsa', { modulusLength: 2048 }, 'RS256'],
  ['rsa', { modulusLength: 2048 }, 'PS256'],
  ['ec', { namedCurve: 'P-256' }, 'ES256'],
  ['ed25519', {}, 'EdDSA'],
];
const ALGORITHMS = KEYS.map(([, , alg]) => alg);

function jwk([type, options, alg]) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: alg };
}

// https://orders.example/ES256 is the API "https://orders.example", whose tokens are then signed by ES256;
// those of https://orders.example/opaque are opaque.
function resourceServer(_ctx, resource) {
  const { origin, pathname } = new URL(resource);
  const format = pathname.slice(1);
  const common = { audience: origin, scope: 'orders:read orders:write', accessTokenTTL: 300 };
  if (format === 'opaque') return { ...common, accessTokenFormat: 'opaque' };
  if (!ALGORITHMS.includes(format)) throw new errors.InvalidTarget();
  return { ...common, accessTokenFormat: 'jwt', jwt: { sign: { alg: format } } };
}

const server = createServer();
await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: JSON.parse(clients),
  jwks: { keys: KEYS.map(jwk) },
  cookies: { keys: ['good for one run'] },
  scopes: ['openid', 'offline_access', 'orders:read', 'orders:write'],
  enabledJWA: {
    idTokenSigningAlgValues: ALGORITHMS,
    dPoPSigningAlgValues: ALGORITHMS,
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true, allowedPolicy: () => true },
    dPoP: { enabled: true },
    resourceIndicators: {
      enabled: true,
      // The docs page asks for no resource where it found the provider by its metadata alone.
      defaultResource: (_ctx, { clientId }, granted) => granted
        ?? (clientId === 'docs' ? 'https://orders.example/ES256' : undefined),
      getResourceServerInfo: resourceServer,
      useGrantedResource: () => true,
    },
  },
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  clientBasedCORS: () => true,
  issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  ttl: {
    AccessToken: 300,
    ClientCredentials: 300,
    Grant: 300,
    IdToken: 300,
    Interaction: 300,
    RefreshToken: 300,
    Session: 300,
  },
});

// Alice logs in by herself, and grants whatever she is asked for.
async function interact(request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const grant = new provider.Grant({ accountId: 'alice', clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  for (const resource of [params.resource ?? []].flat()) grant.addResourceScope(resource, params.scope);
  const consent = { grantId: await grant.save() };
  await provider.interactionFinished(request, response, { login: { accountId: 'alice' }, consent });
}

const answer = provider.callback();
server.on('request', (request, response) => {
  if (!request.url.startsWith('/interaction/')) {
    answer(request, response);
    return;
  }
  interact(request, response).catch((error) => {
    response.writeHead(500).end(String(error));
  });
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
process.stdout.write(`${issuer}\n`);
