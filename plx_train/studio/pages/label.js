// Label: one image after the other, by keyboard or mouse; every change is on disk before the next begins.
import { html, useEffect, useRef, useState } from "ui";
import { post, query, useAnswer } from "./api.js";
import { CHOICES } from "./browse.js";
import { Picture } from "./findings.js";
import { Masks } from "./masks.js";
import { Outlines } from "./outlines.js";
import { Classes, Text, useKeys } from "./palette.js";
import { Fault, go, shown, Wait } from "./parts.js";

export function Label({ given }) {
  return given.name ? html`<${Desk} name=${given.name} image=${given.image} wanted=${given.choice} key=${JSON.stringify(given)} />` : html`<${Choice} />`;
}

function Choice() {
  const told = useAnswer("/api/data", "data");
  return html`<div><h1 tabindex="-1">Label</h1><${Wait} told=${told} what="datasets">${({ datasets }) => datasets.length
    ? html`<div class="cards">${datasets.map((one) => html`<a class="card pick" key=${one.name} href="#/label?${query({ name: one.name })}">
        <h3>${shown(one.name)}</h3><p class="note">${shown(one.module)}</p></a>`)}</div>`
    : html`<p>There are no data yet: <a href="#/data">bring some</a>.</p>`}<//></div>`;
}

const entryOf = (row) => row.state === "left out" ? { leave_out: true } : row.state === "corrected" ? { truth: row.truth } : {};

function Desk({ name, image: first, wanted }) {
  const path = `/api/data/${encodeURIComponent(name)}`;
  const [choice, choose] = useState(first ? "all" : wanted || "");
  const told = useAnswer(`${path}/line?${query({ choice })}`);
  const [place, set] = useState(null);
  const [said, setSaid] = useState({ rows: {} });
  const [fault, setFault] = useState(null);
  const back = useRef([]), chain = useRef(Promise.resolve()), waiting = useRef(0);
  const line = told.value && (!first || choice !== "all" || told.value.images.includes(first) ? told.value
    : { ...told.value, images: [first, ...told.value.images] });
  const at = place ?? Math.max(0, first ? line?.images.indexOf(first) ?? 0 : 0);
  const image = line?.images[at];
  const seen = useAnswer(image ? `${path}/image?${query({ image })}` : null);
  const row = seen.value && { ...seen.value, ...said.rows[image] };
  const step = (by) => set(Math.min(Math.max(at + by, 0), (line?.images.length || 1) - 1));
  // One change after the other; one that can't be sent is sent again until the studio is there.
  const send = async (of, entry) => {
    for (;;) {
      try { return await post(`${path}/labels`, { entries: [{ image: of, ...entry }] }); } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        setFault(new Error("Not saved yet: the studio can't be reached. It is tried again."));
        await new Promise((done) => setTimeout(done, 1000));
      }
    }
  };
  const write = (of, entry) => {
    waiting.current += 1;
    chain.current = chain.current.then(() => send(of, entry)).then((answer) => {
      waiting.current -= 1;
      setSaid((before) => ({ ...before, classes: answer.classes, counts: answer.counts,
        rows: waiting.current ? before.rows : { ...before.rows, [of]: answer.rows[0] } }));
      setFault(null);
    }, (error) => {
      waiting.current -= 1;
      setSaid((before) => ({ ...before, rows: { ...before.rows, [of]: undefined } }));
      setFault(error);
    });
  };
  // What a change makes of an image is shown, and can be undone, before the studio has answered.
  const expect = (of, values) => setSaid((before) => ({ ...before, rows: { ...before.rows, [of]: { ...before.rows[of], ...values } } }));
  const say = (entry, isNext) => {
    back.current.push({ at, image, entry: entryOf(row), truth: row.truth, state: row.state });
    const named = kind === "class" && entry.truth ? [entry.truth] : kind === "labels" ? entry.truth || [] : [];
    setSaid((before) => ({ ...before, fresh: [...(before.fresh || []), ...named] }));
    expect(image, entry.leave_out ? { state: "left out", truth: null } : "truth" in entry ? { state: "corrected", truth: entry.truth }
      : { state: row.was === null ? "unlabelled" : "labelled", truth: row.was });
    write(image, entry);
    if (isNext) step(1);
  };
  const undo = () => {
    const last = back.current.pop();
    if (!last) return;
    expect(last.image, { truth: last.truth, state: last.state });
    write(last.image, last.entry);
    set(last.at);
  };
  useEffect(() => {
    const next = line?.images[at + 1];
    if (next) new Image().src = `${path}/thumbnail?${query({ image: next, size: 1600 })}`;
  }, [image]);
  useEffect(() => {
    const leaving = (event) => { if (waiting.current) event.preventDefault(); };
    addEventListener("beforeunload", leaving);
    return () => removeEventListener("beforeunload", leaving);
  }, []);
  const kind = line?.kind, classes = [...new Set([...(said.classes || line?.classes || []), ...(said.fresh || [])])], counts = said.counts || line?.counts || {};
  const better = row?.suspect?.truth ?? row?.suggested?.truth;
  const keys = {
    ArrowRight: () => step(1), ArrowLeft: () => step(-1), x: () => say({ leave_out: true }, true), u: undo,
    y: () => row.truth !== null && say({ truth: row.truth }, true), a: () => better !== undefined && say({ truth: better }, true),
  };
  useKeys((event) => {
    if (event.key === "z" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); undo(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || !row || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  const change = (next) => { choose(next); set(0); };
  return html`<div><p class="over"><a href="#/data?${query({ name })}">${shown(name)}</a></p><h1 tabindex="-1">Label</h1>
    <${Wait} told=${told} what="images">${() => html`
      <div class="choices" role="group" aria-label="Which images">${Object.entries(CHOICES).filter(([key]) => counts[key] || key === line.choice).map(([key, word]) => html`
        <button key=${key} class="small" aria-pressed=${key === line.choice} onClick=${() => change(key)}>${word} ${counts[key]}</button>`)}</div>
      <${Progress} counts=${counts} />
      ${image ? html`<p class="where-at"><button class="small" onClick=${() => step(-1)} disabled=${!at} aria-label="The one before">←</button>
          <b>${at + 1}</b> of ${line.images.length} <button class="small" onClick=${() => step(1)} disabled=${at + 1 >= line.images.length} aria-label="The next one">→</button>
          <span class="file">${shown(image)}</span> ${row ? html`<span class="soft">${row.state}${row.split ? `, ${row.split}` : ""}</span>` : null}</p>
        <${Fault} error=${fault || seen.error} />
        <div class="desk"><div class="stage">${!row ? null : row.fault ? html`<${Fault} error=${row.fault} />` : kind === "boxes" || kind === "texts"
            ? html`<${Outlines} key=${image} path=${path} row=${row} kind=${kind} classes=${classes} say=${say} />`
            : kind === "masks" || kind === "defect" ? html`<${Masks} key=${image} path=${path} row=${row} classes=${classes} say=${say} />`
            : html`<img class="whole" alt=${image} src="${path}/thumbnail?${query({ image, size: 1600 })}" />`}
            ${row && kind === "text" ? html`<${Text} key=${image} truth=${row.truth} say=${say} />` : null}</div>
          <div class="side">
            ${row ? html`<${Doubts} row=${row} path=${path} kind=${kind} better=${better} accept=${keys.a} confirm=${keys.y} />` : null}
            ${row && (kind === "class" || kind === "labels") ? html`<${Classes} key=${kind} kind=${kind} classes=${classes} truth=${row.truth} say=${say} />` : null}
            <p class="hands"><button class="small" onClick=${keys.x}>Leave out <kbd>x</kbd></button>
              <button class="small" onClick=${undo} disabled=${!back.current.length}>Undo <kbd>u</kbd></button>
              ${row && row.state !== "labelled" && row.state !== "unlabelled" ? html`<button class="small" onClick=${() => say({})}>As it was</button>` : null}</p>
            <p class="note"><kbd>←</kbd> <kbd>→</kbd> go through, <kbd>y</kbd> right as it is, <kbd>a</kbd> accept what is suggested.</p>
          </div></div>`
      : html`<p>Nothing is left here. <a href="#/data?${query({ name })}">Back to the dataset</a></p>`}
      <p class="actions"><button class="main" onClick=${() => go(`/data?${query({ name })}`)}>Done</button></p>`}<//></div>`;
}

function Progress({ counts }) {
  const done = (counts.all || 0) - (counts.unlabelled || 0);
  return html`<p class="note">${done} of ${counts.all || 0} have a label or were left out, ${counts.corrected || 0} by you.
    <span class="track wide"><i style=${{ width: `${(100 * done) / (counts.all || 1)}%` }}></i></span></p>`;
}

function Doubts({ row, path, kind, better, accept, confirm }) {
  const open = row.state === "labelled" || row.state === "unlabelled";
  return html`${(row.told || []).map((each, place) => html`<p class="note" key=${place}>${shown(each.code.replaceAll("-", " "))}: ${shown(each.reason)}</p>`)}
    ${row.suspect ? html`<div class="callout"><b>The label is suspect</b><ul>${row.suspect.doubts.slice(0, 6).map((doubt, place) => html`<li key=${place}>
      ${shown(doubt.kind)}: ${shown(doubt.label || "nothing")} → ${shown(doubt.suggestion || "nothing")} (${doubt.score.toFixed(2)})</li>`)}</ul></div>` : null}
    ${row.suggested ? html`<p class="callout">A model says <b>${shown(row.suggested.words)}</b>${kind === "masks" ? html`<${Picture} path=${path} image=${row.image} alt="What a model says" size=${420} suggested=${true} stamp=${row.suggested.words} />` : null}</p>` : null}
    ${open && better !== undefined ? html`<p><button class="small main" onClick=${accept}>Accept <kbd>a</kbd></button></p>` : null}
    ${open && row.truth !== null ? html`<p><button class="small" onClick=${confirm}>Right as it is <kbd>y</kbd></button></p>` : null}`;
}
