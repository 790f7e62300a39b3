// The machine, and what happened.
import { html } from "ui";
import { post, useAnswer } from "./api.js";
import { Action, shown, Wait, when } from "./parts.js";

export function Machine() {
  const events = useAnswer("/api/events", "jobs");
  return html`<h1 tabindex="-1">Machine</h1>
    <p><${Action} work=${() => post("/api/jobs", { overrides: ["mode=doctor"], title: "Doctor" })}>Examine this machine<//></p>
    <section><h2>What happened</h2><${Wait} told=${events} what="events">${({ events: all }) => html`<table><tbody>
      ${all.map((one, place) => html`<tr key=${place}><td class="nowrap">${when(one.at)}</td><td>${shown(one.text)}</td></tr>`)}
    </tbody></table>`}<//></section>`;
}
