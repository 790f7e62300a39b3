// The frame of all screens: where one is, what is going on, and whether the studio is still there.
import { html, render, useEffect, useState } from "ui";
import { listen, useAnswer, useVersions } from "./api.js";
import { Data } from "./data.js";
import { Label } from "./label.js";
import { Machine } from "./machine.js";
import { Model } from "./model.js";
import { Models } from "./models.js";
import { Pipeline, Pipelines } from "./pipelines.js";
import { Server } from "./servers.js";
import { shown } from "./parts.js";
import { Compare } from "./compare.js";
import { RegisteredModel } from "./promotion.js";
import { Run } from "./run.js";
import { Runs } from "./runs.js";
import { Train } from "./train.js";
import { Welcome } from "./welcome.js";

const SCREENS = [
  ["", "Start", Welcome],
  ["data", "Data", Data],
  ["label", "Label", Label],
  ["train", "Train", Train],
  ["runs", "Runs", Runs],
  ["models", "Models", Models],
  ["pipelines", "Pipelines", Pipelines],
  ["machine", "Machine", Machine],
];
const BELOW = {
  run: Run, compare: Compare, model: Model, registered: RegisteredModel, pipeline: Pipeline, server: Server,
};
const PARENTS = {
  run: "runs", compare: "runs", model: "models", registered: "models", pipeline: "pipelines", server: "pipelines",
};

function useHash() {
  const [hash, set] = useState(location.hash);
  useEffect(() => {
    const changed = () => set(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  const [path, words] = hash.replace(/^#\/?/, "").split("?");
  const given = new URLSearchParams(words || "");
  return { path, given: Object.fromEntries(given), names: given.getAll("names") };
}

function Frame() {
  const { path, given, names } = useHash();
  const { isHere } = useVersions();
  const Screen = BELOW[path] || (SCREENS.find(([name]) => name === path) || SCREENS[0])[2];
  useEffect(() => { document.querySelector("main h1")?.focus(); scrollTo(0, 0); }, [path]);
  return html`<div class="frame">
    <a class="skip" href="#main">To the content</a>
    <nav aria-label="Screens"><p class="brand">plx_train <b>studio</b></p><ul>
      ${SCREENS.map(([name, title]) => html`<li key=${name}><a href="#/${name}"
        aria-current=${name === (PARENTS[path] || path) ? "page" : null}>${title}</a></li>`)}
    </ul><${Going} /></nav>
    <main id="main">
      ${isHere ? null : html`<p class="fault" role="status">The studio can't be reached. Jobs go on without it; this page
        goes on as soon as it is there again.</p>`}
      <${Screen} given=${given} names=${names} key=${path} />
    </main></div>`;
}

function Going() {
  const { value } = useAnswer("/api/jobs", "jobs");
  const running = (value?.jobs || []).filter((job) => job.state === "running");
  const waiting = (value?.jobs || []).filter((job) => job.state === "queued").length;
  if (!running.length && !waiting) return html`<p class="going soft">Nothing runs.</p>`;
  return html`<p class="going" role="status">${running.map((job) => html`<a key=${job.id}
    href=${job.output && job.lane === "training" ? `#/run?name=${encodeURIComponent(job.output.replace(/^outputs\//, ""))}`
      : job.lane === "serving" ? `#/server?job=${job.id}` : "#/runs"}>${shown(job.title)}</a>`)}${waiting ? html`<span class="soft">${waiting} waiting</span>` : null}</p>`;
}

listen();
document.getElementById("starting")?.remove();
render(html`<${Frame} />`, document.getElementById("app"));
