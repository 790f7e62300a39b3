// Boxes and outlines in an image: drawn, moved, resized, named, taken away.
import { html, useRef, useState } from "ui";
import { query } from "./api.js";
import { Names, useKeys } from "./palette.js";
import { shown } from "./parts.js";

const LEAST = 3;
const box = (a, b) => {
  const [left, right] = [Math.min(a[0], b[0]), Math.max(a[0], b[0])], [top, bottom] = [Math.min(a[1], b[1]), Math.max(a[1], b[1])];
  return [[left, top], [right, top], [right, bottom], [left, bottom]];
};
const colour = (classes, label) => `var(--s${Math.max(0, classes.indexOf(label)) % 6})`;

export function Outlines({ path, row, kind, classes, say }) {
  const [drawn, draw] = useState(null);
  const [chosen, choose] = useState(null);
  const [name, setName] = useState(classes[0] || "object");
  const [zoom, setZoom] = useState(1);
  const [isDrawing, setDrawing] = useState(false);
  const hold = useRef(null), stage = useRef(null);
  const given = Array.isArray(row.truth) ? row.truth : [];
  const outlines = drawn || given;
  const inside = ([x, y]) => [Math.min(Math.max(x, 0), row.width), Math.min(Math.max(y, 0), row.height)];
  const save = (next) => { draw(null); say({ truth: next.map((each) => ({ ...each, points: each.points.map(([x, y]) => [round(x), round(y)]) })) }); };
  const put = (place, change) => outlines.map((each, at) => at === place ? { ...each, ...change } : each);
  const moved = (points, dx, dy) => points.map(([x, y]) => [x + dx, y + dy]);
  const bent = (points, corner, to) => kind === "boxes" && points.length === 4 ? box(to, points[(corner + 2) % 4])
    : points.map((each, at) => at === corner ? to : each);
  const place = (event) => {
    const matrix = stage.current.getScreenCTM().inverse();
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix);
    return [point.x, point.y];
  };
  const down = (event, at = null, corner = null) => {
    if (event.button) return;
    event.stopPropagation();
    event.preventDefault();
    stage.current.setPointerCapture(event.pointerId);
    const isNew = at === null || isDrawing;
    hold.current = { from: place(event), at: isNew ? null : at, corner, before: outlines };
    choose(isNew ? null : at);
  };
  const move = (event) => {
    const held = hold.current;
    if (!held) return;
    const to = place(event), [dx, dy] = [to[0] - held.from[0], to[1] - held.from[1]];
    const changed = (points) => held.corner !== null ? bent(points, held.corner, inside(to)) : moved(points, dx, dy);
    held.drawn = held.at === null ? [...held.before, { label: name, points: box(inside(held.from), inside(to)) }]
      : held.before.map((each, at) => at === held.at ? { ...each, points: changed(each.points) } : each);
    draw(held.drawn);
  };
  // A hand may be quicker than what is drawn: what it did is held, not read back.
  const up = () => {
    const held = hold.current;
    hold.current = null;
    if (!held?.drawn) return;
    if (held.at === null) {
      const [a, , c] = held.drawn[held.drawn.length - 1].points;
      if (c[0] - a[0] < LEAST || c[1] - a[1] < LEAST) { draw(null); return; }
      choose(held.drawn.length - 1);
      setDrawing(false);
    }
    save(held.drawn);
  };
  const remove = () => { if (chosen !== null) { save(outlines.filter((_, at) => at !== chosen)); choose(null); } };
  const middle = () => {
    const [w, h] = [row.width / 5, row.height / 5];
    choose(outlines.length);
    save([...outlines, { label: name, points: box([row.width / 2 - w, row.height / 2 - h], [row.width / 2 + w, row.height / 2 + h]) }]);
  };
  const take = (next) => { setName(next); if (chosen !== null && outlines[chosen]) save(put(chosen, { label: next })); };
  useKeys((event) => {
    if (event.ctrlKey || event.metaKey) return;
    const key = event.key, by = event.shiftKey ? 10 : 1, one = outlines[chosen];
    const arrows = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] };
    if (one && arrows[key]) {
      const [dx, dy] = arrows[key];
      const points = event.altKey ? (kind === "boxes" ? bent(one.points, 2, moved([one.points[2]], dx, dy)[0]) : one.points) : moved(one.points, dx, dy);
      save(put(chosen, { points }));
    } else if (one && (key === "Delete" || key === "Backspace")) remove();
    else if (key === "Escape") { choose(null); setDrawing(false); }
    else if (key === "n") middle();
    else if ((key === "]" || key === "[") && outlines.length) choose(((chosen ?? (key === "]" ? -1 : 0)) + (key === "]" ? 1 : -1) + outlines.length) % outlines.length);
    else if (key === "+" || key === "=") setZoom(Math.min(8, zoom * 1.5));
    else if (key === "-") setZoom(Math.max(1, zoom / 1.5));
    else return;
    event.preventDefault();
  }, true);
  const isOut = (one) => one.points.some(([x, y]) => x < -1 || y < -1 || x > row.width + 1 || y > row.height + 1);
  const bringIn = () => {
    const points = outlines[chosen].points, shift = (axis, most) => {
      const all = points.map((point) => point[axis]), low = Math.min(...all), high = Math.max(...all);
      return high - low >= most || low < 0 ? -low : Math.min(0, most - high);
    };
    save(put(chosen, { points: moved(points, shift(0, row.width), shift(1, row.height)).map(inside) }));
  };
  const size = Math.max(row.width, row.height) / 140 / zoom;
  const doubts = (row.suspect?.doubts || []).filter((doubt) => doubt.box);
  return html`<div class="tools"><button class="small" aria-pressed=${isDrawing} onClick=${() => setDrawing(!isDrawing)}>Draw over others</button>
      <button class="small" onClick=${middle}>New <kbd>n</kbd></button><button class="small" onClick=${remove} disabled=${chosen === null}>Delete <kbd>Del</kbd></button>
      ${outlines[chosen] && isOut(outlines[chosen]) ? html`<button class="small main" onClick=${bringIn}>Bring inside</button>` : null}
      <button class="small" onClick=${() => setZoom(Math.max(1, zoom / 1.5))} aria-label="Smaller">−</button>
      <button class="small" onClick=${() => setZoom(Math.min(8, zoom * 1.5))} aria-label="Larger">+</button></div>
    ${kind === "boxes" ? html`<${Names} names=${classes} held=${[outlines[chosen]?.label ?? name]} take=${take} what="class" />` : null}
    <div class="sheet" tabindex="-1"><svg ref=${stage} viewBox="0 0 ${row.width} ${row.height}" style=${{ width: `${100 * zoom}%`, maxHeight: zoom === 1 ? "70vh" : "none" }}
        role="img" aria-label="${outlines.length} outlines in ${row.image}" onPointerDown=${(event) => down(event)} onPointerMove=${move} onPointerUp=${up} onPointerCancel=${up}>
      <image href="${path}/thumbnail?${query({ image: row.image, size: 1600 })}" width=${row.width} height=${row.height} preserveAspectRatio="none" />
      ${outlines.map((each, at) => html`<polygon key=${at} class="outline ${at === chosen ? "chosen" : ""} ${each.ignored ? "ignored" : ""}" points=${each.points.map(String).join(" ")}
        style=${{ stroke: kind === "boxes" ? colour(classes, each.label) : "var(--s0)" }} onPointerDown=${(event) => down(event, at)}><title>${shown(each.label)}</title></polygon>`)}
      ${doubts.map((doubt, at) => html`<rect key=${`d${at}`} class="doubt" x=${doubt.box[0]} y=${doubt.box[1]} width=${doubt.box[2] - doubt.box[0]} height=${doubt.box[3] - doubt.box[1]} />`)}
      ${outlines[chosen] ? outlines[chosen].points.map(([x, y], corner) => html`<circle key=${`c${corner}`} class="corner" cx=${x} cy=${y} r=${size}
        onPointerDown=${(event) => down(event, chosen, corner)} />`) : null}</svg></div>
    ${kind === "texts" && outlines[chosen] ? html`<${Line} key=${chosen} one=${outlines[chosen]} save=${(change) => save(put(chosen, change))} />` : null}
    ${outlines.some(isOut) ? html`<p class="fault">Outside of the picture: ${outlines.map((each, at) => isOut(each) ? html`
      <button class="small" key=${at} onClick=${() => choose(at)}>${shown(each.label || "(no text)")}</button> ` : null)}</p>` : null}
    <details class="listed"><summary>${outlines.length} outlines</summary><ol>${outlines.map((each, at) => html`<li key=${at}>
      <button class="small" aria-pressed=${at === chosen} onClick=${() => choose(at)}>${shown(each.label || "(no text)")}</button></li>`)}</ol></details>
    <p class="note">Drag to draw; drag an outline or its corners. <kbd>[</kbd> <kbd>]</kbd> choose, arrows move it, with <kbd>Alt</kbd> its lower right
      corner, with <kbd>Shift</kbd> by ten, <kbd>Esc</kbd> lets go.</p>`;
}

function Line({ one, save }) {
  const [text, set] = useState(one.label);
  const done = (event) => { event.preventDefault(); save({ label: text }); };
  return html`<form class="new-name" onSubmit=${done}><label for="line">What it says</label>
    <input id="line" value=${text} spellcheck="false" autocomplete="off" onInput=${(event) => set(event.target.value)} onBlur=${() => text !== one.label && save({ label: text })} />
    <label class="tick"><input type="checkbox" checked=${Boolean(one.ignored)} onChange=${(event) => save({ ignored: event.target.checked })} /> can't be read, counts neither way</label></form>`;
}

const round = (value) => Math.round(value * 100) / 100;
