// Labels that are likely wrong, and what a model says of images without one: taken one by one, or all.
import { html, useState } from "ui";
import { post, query, useAnswer } from "./api.js";
import { inWords } from "./browse.js";
import { Picture } from "./findings.js";
import { Action, shown } from "./parts.js";

const SHOWN = 12;

export function Suspects({ name, path, counts, isAudited }) {
  return html`${counts.suspects ? html`<${Some} name=${name} path=${path} choice="suspects" count=${counts.suspects} title="Labels that are likely wrong" />`
    : isAudited ? html`<section><h2>Labels that are likely wrong</h2><p>None is left.</p></section>` : null}
    ${counts.suggested ? html`<${Some} name=${name} path=${path} choice="suggested" count=${counts.suggested} title="What a model says of images without a label" />` : null}`;
}

function Some({ name, path, choice, count, title }) {
  const told = useAnswer(`${path}/images?${query({ choice, most: SHOWN })}`, "data", "jobs");
  const [kept, keep] = useState(null);
  const [least, set] = useState("0");
  if (told.value && told.value !== kept) keep(told.value);
  const rows = (told.value || kept)?.rows || [];
  const say = (image, entry) => post(`${path}/labels`, { entries: [{ image, ...entry }] });
  return html`<section><h2>${title}</h2><div class="actions">
      <a class="button" href="#/label?${query({ name, choice })}">One by one</a>
      <${Action} work=${() => post(`${path}/accept`, { choice, least: Number(least) })} label="Accept all ${choice}">Accept all${least === "0" ? ` ${count}` : ""}<//>
      <label class="sure">of at least <select value=${least} onChange=${(event) => set(event.target.value)}>
        <option value="0">any certainty</option>${["0.5", "0.7", "0.9"].map((each) => html`<option key=${each} value=${each}>${each}</option>`)}</select></label></div>
    <div class="faults">${rows.map((row) => html`<figure class="fault-card" key=${row.image}><${Picture} path=${path} image=${row.image} alt=${row.image} suggested=${choice === "suggested"} stamp=${choice === "suggested" ? row.suggested.words : ""} />
      <figcaption><p class="where">${shown(row.image)}</p><p><${Said} row=${row} choice=${choice} /></p><div class="mend">
        <${Action} kind="small" work=${() => say(row.image, { truth: row[choice === "suspects" ? "suspect" : "suggested"].truth })} label="Accept for ${row.image}">Accept<//>
        ${row.truth === null ? null : html`<${Action} kind="small" work=${() => say(row.image, { truth: row.truth })} label="Right as it is: ${row.image}">Right as it is<//>`}
        <${Action} kind="small" work=${() => say(row.image, { leave_out: true })} label="Leave out ${row.image}">Leave out<//></div></figcaption></figure>`)}</div>
    ${count > rows.length ? html`<p class="soft">${count - rows.length} more</p>` : null}</section>`;
}

function Said({ row, choice }) {
  if (choice === "suggested") return html`<b>${shown(row.suggested.words)}</b>${row.suggested.score ? ` (${row.suggested.score.toFixed(2)})` : ""}`;
  const first = row.suspect.doubts[0];
  return html`${shown(first.label || inWords(row.truth))} → <b>${shown(first.suggestion || "nothing")}</b> (${first.score.toFixed(2)})
    ${row.suspect.doubts.length > 1 ? ` and ${row.suspect.doubts.length - 1} more` : ""}`;
}
