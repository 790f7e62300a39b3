// All images of a dataset, a page at a time.
import { html, useState } from "ui";
import { query, useAnswer } from "./api.js";
import { Picture } from "./findings.js";
import { shown, Wait } from "./parts.js";

const PAGE = 60;
export const CHOICES = { all: "all", suspects: "suspect", next: "worth most next", suggested: "suggested", findings: "with a finding", unlabelled: "unlabelled", corrected: "corrected" };

export const inWords = (truth) => truth === null || truth === undefined ? "no label" : typeof truth === "string" ? truth
  : truth.mask ? "a mask" : !truth.length ? "none" : typeof truth[0] === "string" ? truth.join(", ")
  : new Set(truth.map((one) => one.label)).size > 6 ? `${truth.length} outlines`
  : Object.entries(truth.reduce((sum, one) => ({ ...sum, [one.label]: (sum[one.label] || 0) + 1 }), {})).slice(0, 4)
    .map(([label, count]) => count > 1 ? `${count} ${label}` : label).join(", ");

export function Browse({ name, path, counts, classes, codes }) {
  const [wanted, want] = useState({ choice: "all", label: "", split: "", code: "", place: 0 });
  const told = useAnswer(`${path}/images?${query({ ...wanted, most: PAGE })}`, "data");
  const [kept, keep] = useState(null);
  if (told.value && told.value !== kept) keep(told.value);
  const found = told.value || kept;
  const by = (key) => (event) => want({ ...wanted, place: 0, [key]: event.target.value });
  const turn = (place) => want({ ...wanted, place });
  return html`<section><h2>Images</h2><div class="filters">
      <label>Show <select value=${wanted.choice} onChange=${by("choice")}>${Object.entries(CHOICES).filter(([key]) => counts[key] || key === "all").map(([key, word]) =>
        html`<option key=${key} value=${key}>${word} (${counts[key] ?? 0})</option>`)}</select></label>
      ${classes.length ? html`<label>Class <select value=${wanted.label} onChange=${by("label")}><option value="">all</option>
        ${classes.map((each) => html`<option key=${each.name} value=${each.name}>${shown(each.name)}</option>`)}</select></label>` : null}
      <label>Split <select value=${wanted.split} onChange=${by("split")}><option value="">all</option>
        ${["train", "val", "test"].map((each) => html`<option key=${each} value=${each}>${each}</option>`)}</select></label>
      ${codes.length ? html`<label>Finding <select value=${wanted.code} onChange=${by("code")}><option value="">any or none</option>
        ${codes.map((each) => html`<option key=${each} value=${each}>${shown(each.replaceAll("-", " "))}</option>`)}</select></label>` : null}</div>
    ${found ? html`<div class="grid">${found.rows.map((row) => html`<a key=${row.image} href="#/label?${query({ name, image: row.image })}" title=${shown(row.image)}>
      <${Picture} path=${path} image=${row.image} alt=${row.image} stamp=${row.state === "corrected" ? row.truth.mask || JSON.stringify(row.truth).length : ""} />
      <span>${shown(inWords(row.truth))}${row.state === "labelled" || row.state === "unlabelled" ? null : html` <i class="soft">${row.state}</i>`}</span></a>`)}</div>
      <p class="pages"><button class="small" disabled=${!wanted.place} onClick=${() => turn(Math.max(0, wanted.place - PAGE))}>Earlier</button>
        ${` ${found.count ? wanted.place + 1 : 0}–${Math.min(found.count, wanted.place + PAGE)} of ${found.count} `}
        <button class="small" disabled=${wanted.place + PAGE >= found.count} onClick=${() => turn(wanted.place + PAGE)}>Later</button></p>`
    : html`<${Wait} told=${told} what="images">${() => null}<//>`}</section>`;
}
