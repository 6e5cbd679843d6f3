// An OpenID Connect provider for one public client, the worklist page: node issuer.js PAGE_ADDRESS TOKEN_SECONDS
// Anybody signs in with any password. Prints its address once it listens.

import { createServer } from "node:http";

import { Provider } from "oidc-provider";

const [page, seconds] = process.argv.slice(2);
const scope = "brainscan/read brainscan/review brainscan/upload";

const server = createServer().listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "page",
        application_type: "native",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token"],
        redirect_uris: [page],
        post_logout_redirect_uris: [page],
      },
    ],
    clientBasedCORS: () => true,
    cookies: { keys: ["for tests alone"] },
    features: {
      resourceIndicators: {
        enabled: true,
        defaultResource: () => "https://brainscan.example",
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope,
          audience: "brainscan",
          accessTokenFormat: "jwt",
          accessTokenTTL: Number(seconds),
        }),
      },
    },
    issueRefreshToken: async () => true,
    scopes: ["openid", ...scope.split(" ")],
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
