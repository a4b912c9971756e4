// The docs page: loads the document and hands it to Swagger UI, or says in a sentence why it cannot.
import { authorization } from "./authorization.js";
import { preparing } from "./requests.js";
import { load } from "./document.js";

const place = document.getElementById("docs");
const settings = place.dataset;

followColorScheme();
load(settings.openapi, settings.root).then(show, apologize);

function show({ url, description, ownServer }) {
  place.classList.toggle("own-server", ownServer);
  document.title = settings.title || description.info?.title || document.title;
  const kept = authorization({ persist: settings.persist === "yes", description });
  const ui = SwaggerUIBundle({
    domNode: place,
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [kept.plugin],
    layout: "BaseLayout",
    deepLinking: true,
    validatorUrl: null, // nobody else is asked about the document, whatever the layout
    oauth2RedirectUrl: new URL("oauth2-redirect.html", location.href).href,
    requestInterceptor: preparing(description),
  });
  ui.initOAuth({
    clientId: settings.client,
    scopes: settings.scopes,
    usePkceWithAuthorizationCodeGrant: true,
  });
  ui.specActions.updateUrl(url);
  ui.specActions.updateLoadingStatus("success");
  ui.specActions.updateSpec(JSON.stringify(description));
  kept.restore(ui);
}

function apologize(error) {
  const said = document.createElement("p");
  said.setAttribute("role", "alert");
  said.textContent = error.message;
  place.className = "notice";
  place.replaceChildren(said);
}

function followColorScheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", follow);
  follow();
}
