// The page: its tabs, whether the service is well, and what each tab is made of.

import { adviceCard } from "./advice.js";
import { byId, pause } from "./dom.js";
import { readCatalogue } from "./catalogue.js";
import { askForKey, isMendedByAKey } from "./key.js";
import { Problem, askJson } from "./service.js";
import { keepPage } from "./intake.js";
import { BatchTab } from "./batch.js";
import { LiveTab } from "./live.js";
import { PhotoTab } from "./photo.js";
import { ServiceTab } from "./service_tab.js";
import { startTheme } from "./theme.js";
import { VideoTab } from "./video.js";

const HEALTH_INTERVAL_MS = 5000;

const NAMES = ["photo", "live", "video", "batch", "service"];
const tabs = {};

function select(name, { focus = false } = {}) {
  for (const each of NAMES) {
    const isChosen = each === name;
    const tab = byId(`tab-${each}`);
    tab.ariaSelected = String(isChosen);
    tab.tabIndex = isChosen ? 0 : -1;
    byId(each).hidden = !isChosen;
    if (isChosen && focus) tab.focus();
  }
  history.replaceState(null, "", name === NAMES[0] ? "./" : `#${name}`);
  for (const each of NAMES) tabs[each]?.setVisible?.(each === name);
}

/** Arrow keys go from tab to tab, as in https://www.w3.org/WAI/ARIA/apg/patterns/tabs/. */
function startTabs() {
  NAMES.forEach((name, index) => {
    const tab = byId(`tab-${name}`);
    tab.addEventListener("click", () => select(name));
    tab.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (step) select(NAMES.at((index + step) % NAMES.length), { focus: true });
    });
  });
}

function showHealth(kind, text) {
  byId("health").className = `health ${kind}`;
  byId("health").lastElementChild.textContent = text;
}

/** Of `/livez`, which answers 200 while the service starts: what `/readyz` refuses stands on the console as an error. */
async function askReady() {
  const { unready } = await askJson("livez");
  if (unready) throw new Problem(unready);
}

/** Forever. What the service can do is read as soon as it answers. */
async function watchHealth() {
  for (;;) {
    try {
      await askReady();
      showHealth("good", "Ready");
      if (!tabs.photo) await fillTabs();
    } catch (error) {
      const problem = Problem.of(error);
      showHealth("bad", problem.title);
      if (isMendedByAKey(problem)) {
        await askForKey(problem);
        continue;
      }
      if (!tabs.photo) byId("trouble").replaceChildren(adviceCard(problem));
    }
    await pause(HEALTH_INTERVAL_MS);
  }
}

async function fillTabs() {
  const catalogue = await readCatalogue();
  byId("trouble").replaceChildren();
  Object.assign(tabs, {
    photo: new PhotoTab(catalogue),
    live: new LiveTab(catalogue),
    video: new VideoTab(catalogue),
    batch: new BatchTab(catalogue, correct),
    service: new ServiceTab(),
  });
  selectAsked();
}

function correct(file, request, onReturn) {
  select("photo", { focus: true });
  tabs.photo.correct(file, request, (result) => {
    onReturn(result);
    select("batch", { focus: true });
  });
}

function selectAsked() {
  const asked = location.hash.slice(1);
  select(NAMES.includes(asked) ? asked : NAMES[0]);
}

startTheme();
startTabs();
addEventListener("hashchange", selectAsked);
keepPage();
watchHealth();
