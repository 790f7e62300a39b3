// What a check found, by kind, each with its picture; what can be mended is mended here.
import { html, useState } from "ui";
import { post, query, useAnswer } from "./api.js";
import { Action, shown, Wait } from "./parts.js";

export function Findings({ name, path, kind, classes }) {
  const told = useAnswer(`${path}/findings`, "data", "jobs");
  const [kept, keep] = useState(null);
  if (told.value && told.value !== kept) keep(told.value);
  const groups = (told.value || kept)?.groups;
  if (!groups) return html`<${Wait} told=${told} what="findings">${() => null}<//>`;
  if (!groups.length) return html`<section><h2>Findings</h2><p>Nothing is wrong with it.</p></section>`;
  return html`<section><h2>Findings</h2>${groups.map((group) => html`
    <${Group} key=${group.level + group.code} group=${group} name=${name} path=${path} kind=${kind} classes=${classes} />`)}</section>`;
}

function Group({ group, name, path, kind, classes }) {
  const leave = () => post(`${path}/leave_out`, { code: group.code });
  return html`<details class="finding" open=${group.level === "error" || group.count <= 12}>
    <summary><span class="status ${group.level === "error" ? "failed" : "stopped"}">${group.level}</span> <b>${shown(group.code.replaceAll("-", " "))}</b>
      ${` ${group.count}`}${group.open < group.count ? html`<span class="soft">, ${group.count - group.open} mended</span>` : null}</summary>
    ${group.images > 1 ? html`<${Action} kind="small" work=${leave} label="Leave out all ${group.images} of ${group.code}">Leave all ${group.images} out<//>` : null}
    ${group.code === "duplicate-time" ? html`<${Action} kind="small" work=${async () => { await post(`${path}/doubled`); await post(`${path}/check`); }}>
      Go on with a copy without rows that stand twice<//>` : null}
    <div class="faults">${group.items.map((item, place) => html`<${Fault} key=${place} item=${item} name=${name} path=${path} kind=${kind} classes=${classes} />`)}</div>
    ${group.items.length < group.count ? html`<p class="soft">${group.count - group.items.length} more</p>` : null}</details>`;
}

function Fault({ item, name, path, kind, classes }) {
  const where = item.line ? `${item.path}:${item.line}` : item.path;
  return html`<figure class="fault-card ${item.row ? "" : "bare"}">
    ${item.row ? html`<${Picture} path=${path} image=${item.image} alt=${where} />` : null}
    <figcaption><p class="where">${shown(where)}</p><p>${shown(item.reason)}</p>
      ${item.row ? html`<${Mend} row=${item.row} name=${name} path=${path} kind=${kind} classes=${classes} />` : null}</figcaption></figure>`;
}

export function Picture({ path, image, alt, size = 180, stamp = "", suggested = false }) {
  const [isBroken, set] = useState(false);
  return isBroken ? html`<span class="no-picture" role="img" aria-label=${alt}>no picture</span>`
    : html`<img loading="lazy" alt=${alt} onError=${() => set(true)} src="${path}/thumbnail?${query({ image, size, marks: true, ...(stamp ? { stamp } : {}), ...(suggested ? { suggested } : {}) })}" />`;
}

export function Mend({ row, name, path, kind, classes }) {
  const say = (entry) => post(`${path}/labels`, { entries: [{ image: row.image, ...entry }] });
  const isDone = row.state === "corrected" || row.state === "left out";
  return html`<div class="mend">
    ${isDone ? html`<span class="status ${row.isMended ? "finished" : "stopped"}">${row.state}</span>
      <${Action} kind="small" work=${() => say({})} label="Undo: ${row.image}">Undo<//>`
    : html`<${Action} kind="small" work=${() => say({ leave_out: true })} label="Leave out ${row.image}">Leave out<//>`}
    ${kind === "class" && row.state !== "left out" ? html`<select aria-label="Class of ${row.image}" value=${row.truth || ""}
      onChange=${(event) => say({ truth: event.target.value })}>${row.truth ? null : html`<option value="">none</option>`}
      ${classes.map((each) => html`<option key=${each.name} value=${each.name}>${shown(each.name)}</option>`)}</select>` : null}
    <a href="#/label?${query({ name, image: row.image })}">Open</a></div>`;
}
