// What an image as a whole shows: one class, several labels, or a text.
import { html, useEffect, useLayoutEffect, useRef, useState } from "ui";
import { shown } from "./parts.js";

// Keys that are pressed outside of fields; each meets what was drawn last, however quick the hand is: it is listened to them
// before what is drawn is seen.
export function useKeys(handle, isFirst = false) {
  const latest = useRef(handle);
  latest.current = handle;
  useLayoutEffect(() => {
    const heard = (event) => event.defaultPrevented || /INPUT|SELECT|TEXTAREA/.test(event.target.tagName) || latest.current(event);
    addEventListener("keydown", heard, isFirst);
    return () => removeEventListener("keydown", heard, isFirst);
  }, []);
}

// Number keys choose among the first nine names.
function useNumbers(names, take) {
  useKeys((event) => {
    const name = /^[1-9]$/.test(event.key) && names[Number(event.key) - 1];
    if (!name || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    take(name);
  });
}

export function Classes({ kind, classes, truth, say }) {
  const held = kind === "class" ? (truth === null || truth === undefined ? [] : [truth]) : truth || [];
  const take = (name) => kind === "class" ? say({ truth: name }, true)
    : say({ truth: held.includes(name) ? held.filter((each) => each !== name) : [...held, name] });
  return html`<${Names} names=${classes} held=${held} take=${take} what=${kind === "class" ? "class" : "label"} />
    ${kind === "labels" && !held.length ? html`<p><button class="small" onClick=${() => say({ truth: [] }, true)}>None of them holds</button></p>` : null}`;
}

export function Names({ names, held, take, what, dot }) {
  const [sought, seek] = useState("");
  useNumbers(names, take);
  const add = (event) => {
    event.preventDefault();
    const name = sought.trim();
    if (name) { take(name); seek(""); event.target.querySelector("input").blur(); }
  };
  const found = names.map((name, place) => [name, place]).filter(([name]) => name.toLowerCase().includes(sought.toLowerCase()));
  return html`<ul class="names" role="group" aria-label=${`The ${what}`}>${found.slice(0, 60).map(([name, place]) => html`<li key=${name}>
      <button aria-pressed=${held.includes(name)} onClick=${() => take(name)}>${dot ? html`<i class="dot" style=${{ background: dot(place) }}></i>` : null}${place < 9 ? html`<kbd>${place + 1}</kbd> ` : null}${shown(name)}</button></li>`)}</ul>
    <form class="new-name" onSubmit=${add}><label for="new-name">${names.length > 9 ? "Search, or a new one" : `A new ${what}`}</label>
      <input id="new-name" value=${sought} autocomplete="off" onInput=${(event) => seek(event.target.value)} />
      <button class="small" disabled=${!sought.trim()}>Take</button></form>`;
}

export function Text({ truth, say }) {
  const [text, set] = useState(truth || "");
  const field = useRef(null);
  useEffect(() => { field.current?.focus(); }, []);
  const done = (event) => { event.preventDefault(); if (text.trim()) say({ truth: text }, true); };
  return html`<form class="new-name" onSubmit=${done}><label for="text">The text</label>
    <input id="text" ref=${field} value=${text} autocomplete="off" spellcheck="false" onInput=${(event) => set(event.target.value)} />
    <button class="main" disabled=${!text.trim()}>Take</button></form><p class="note"><kbd>Enter</kbd> takes it and goes on; <kbd>Tab</kbd> leaves the field.</p>`;
}
