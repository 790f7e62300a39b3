// Elements that all screens share.
import { html, useEffect, useRef, useState } from "ui";
import { shown } from "/words.js";

export { shown };

export const WORDS = {
  FINISHED: ["finished", "finished"], FAILED: ["failed", "failed"], KILLED: ["stopped", "stopped"],
  RUNNING: ["running", "running"], DIED: ["failed", "killed"], INTERRUPTED: ["stopped", "stopped"],
  SWEEP: ["waiting", "sweep"], BEGINNING: ["waiting", "begins"],
  queued: ["waiting", "waiting"], running: ["running", "running"], done: ["finished", "done"],
  failed: ["failed", "failed"], stopped: ["stopped", "stopped"], lost: ["failed", "killed"],
};

export function Status({ state }) {
  const [kind, word] = WORDS[state] || ["waiting", state || "–"];
  return html`<span class="status ${kind}">${shown(word)}</span>`;
}

// How far a training is.
export function Progress({ job }) {
  const { step, of, left } = job.progress || {};
  return of ? html`<span class="progress"><progress value=${step} max=${of} aria-label="Steps of ${job.title}"></progress>
    ${step} of ${of} steps${left ? `, ${left} left` : ""}</span>` : null;
}

export function Fault({ error }) {
  return error ? html`<p class="fault" role="alert">${shown(error.message || error)}</p>` : null;
}

export function Wait({ told, what, children }) {
  if (told.error) return html`<${Fault} error=${told.error} />`;
  if (!told.value) return html`<p class="soft" role="status">Reading ${what} …</p>`;
  return children(told.value);
}

// A command line to copy.
export function Command({ text, title = "The same from a terminal", spell = shown }) {
  const [isCopied, set] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    set(true);
    setTimeout(() => set(false), 1500);
  };
  return html`<div class="command"><h3>${title}</h3>
    <div class="copyable"><pre tabindex="0">${spell(text)}</pre>
    <button class="small" onClick=${copy} aria-label="Copy: ${title}">${isCopied ? "Copied" : "Copy"}</button></div></div>`;
}

// A button whose work may fail, which is then said beside it.
export function Action({ work, children, kind = "", disabled = false, label }) {
  const [state, set] = useState({});
  const click = async (event) => {
    event.preventDefault();
    set({ isBusy: true });
    try { await work(); set({}); } catch (error) { set({ error }); }
  };
  return html`<span class="action"><button class=${kind} disabled=${disabled || state.isBusy} onClick=${click}
    aria-label=${label}>${children}</button><${Fault} error=${state.error} /></span>`;
}

// A drawing of this package's own, which has no script in it.
export function Drawing({ svg }) {
  return html`<div class="drawing" dangerouslySetInnerHTML=${{ __html: svg }}></div>`;
}

export function Log({ text }) {
  const place = useRef(null);
  const follows = useRef(true);
  useEffect(() => {
    const box = place.current;
    if (box && follows.current) box.scrollTop = box.scrollHeight;
  }, [text]);
  const scrolled = ({ target }) => {
    follows.current = target.scrollHeight - target.scrollTop - target.clientHeight < 40;
  };
  return html`<pre class="log" ref=${place} onScroll=${scrolled} tabindex="0" aria-label="Log"
    >${text ? shownLines(text) : "Nothing was printed yet."}</pre>`;
}

export const shownLines = (text) => text.split("\n").map(shown).join("\n");

export function Empty({ title, children }) {
  return html`<div class="card empty"><h3>${title}</h3>${children}</div>`;
}

export const number = (value) => value === null || value === undefined ? "–"
  : Math.abs(value) >= 1000 || Number.isInteger(value) ? String(Math.round(value)) : value.toPrecision(4);

export const counted = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60);
  if (hours) return `${hours} h ${minutes % 60} min`;
  return minutes ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.round(seconds)} s`;
}

export const when = (seconds) => seconds ? new Date(seconds * 1000).toLocaleString([], {
  month: "short", day: "numeric", hour: "2-digit", minute: "2-digit",
}) : "–";

export const go = (place) => { location.hash = place; };
