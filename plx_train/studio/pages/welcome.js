// What a first visit sees: three steps, with data that are here already.
import { html } from "ui";
import { get, post, useAnswer } from "./api.js";
import { Action, go, shown, Wait } from "./parts.js";

export function Welcome() {
  const runs = useAnswer("/api/runs", "runs");
  const modules = useAnswer("/api/modules");
  const begin = async (one) => {
    const job = await post("/api/jobs", {
      overrides: [`module=${one.name}`, "trainer.max_time=2m"], title: `Train ${one.name} on ${one.dataset || "pages"}`,
    });
    go(`/run?name=${encodeURIComponent(job.output.replace(/^outputs\//, ""))}`);
  };
  return html`<div><h1 tabindex="-1">From pictures to a model that serves</h1>
    <ol class="steps">
      <li><b>Bring data.</b> A folder of this machine, in whatever format; faults are shown at their place.</li>
      <li><b>Train.</b> A recipe, a time budget; stop and go on whenever you like.</li>
      <li><b>Use it.</b> The export is proven equal to what was trained; promote it, put it into a pipeline, serve it.</li>
    </ol>
    <section><h2>Try it with data that are here already</h2>
    <${Wait} told=${modules} what="what can be trained">${({ modules: found }) => html`<div class="cards">
      ${found.filter((one) => one.dataset || one.kind === "texts").map((one) => html`<article class="card" key=${one.name}>
        <h3>${one.name}</h3><p>${shown(one.sentence)}</p>
        ${one.reached ? html`<p class="note">${shown(one.reached)}</p>` : null}
        <${Action} work=${() => begin(one)} label="Train ${one.name} for two minutes">Train for two minutes<//>
        <a href="#/train?module=${one.name}">Set it up</a>
      </article>`)}</div>`}<//></section>
    ${runs.value?.runs.length ? html`<p><a href="#/runs">${runs.value.runs.length} runs are here.</a></p>` : null}</div>`;
}
