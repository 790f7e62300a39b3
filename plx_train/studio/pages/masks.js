// The class of each pixel of an image: brushed, drawn corner by corner, taken away.
import { html, useEffect, useRef, useState } from "ui";
import { get, query } from "./api.js";
import { Names, useKeys } from "./palette.js";
import { Fault } from "./parts.js";

const UNCOUNTED = 255, LARGEST = 60e6;

// By what PaddleX and VOC tell classes apart.
const colour = (number) => {
  const found = [0, 0, 0];
  for (let rest = number, bit = 7; rest; rest >>= 3, bit -= 1) for (let at = 0; at < 3; at += 1) found[at] |= ((rest >> at) & 1) << bit;
  return found;
};

const spread = ({ size, runs }) => {
  const pixels = new Uint8Array(size[0] * size[1]);
  for (let at = 0, place = 0; place < runs.length; at += runs[place + 1], place += 2) pixels.fill(runs[place], at, at + runs[place + 1]);
  return pixels;
};

const packed = (pixels) => {
  const runs = [];
  for (let at = 0, end = 0; at < pixels.length; at = end) {
    while (end < pixels.length && pixels[end] === pixels[at]) end += 1;
    runs.push(pixels[at], end - at);
  }
  return runs;
};

// A number for the pixels of a row whose middles lie between two places.
const fillRow = (pixels, width, height, y, from, to, number) => {
  const left = Math.max(0, Math.ceil(from - 0.5)), right = Math.min(width, Math.ceil(to - 0.5));
  if (y >= 0 && y < height && right > left) pixels.fill(number, y * width + left, y * width + right);
};

export function Masks({ path, row, classes, say }) {
  const { width, height } = row;
  const [told, tell] = useState(null), [fault, setFault] = useState(null);
  const [tool, use] = useState("brush"), [chosen, choose] = useState(1), [isErasing, erase] = useState(false);
  const [thick, setThick] = useState(Math.max(2, Math.round(Math.max(width, height) / 30)));
  const [zoom, setZoom] = useState(1), [corners, setCorners] = useState([]), [at, hover] = useState(null), [fresh, setFresh] = useState([]);
  const canvas = useRef(null), pixels = useRef(null), last = useRef(null), known = useRef(new Map()), hold = useRef(null), bent = useRef([]);
  const names = [...new Set([...(told?.classes || []), ...classes, ...fresh])];
  const number = isErasing ? 0 : chosen;
  // A hand may be quicker than what is drawn.
  const bend = (next) => { bent.current = next; setCorners(next); };
  const paint = (top = 0, bottom = height) => {
    const [low, high] = [Math.max(0, Math.floor(top)), Math.min(height, Math.ceil(bottom))];
    if (!canvas.current || !pixels.current || high <= low) return;
    const image = new ImageData(width, high - low), words = new Uint32Array(image.data.buffer), table = new Uint32Array(256);
    for (let each = 1; each < UNCOUNTED; each += 1) { const [r, g, b] = colour(each); table[each] = (255 << 24) | (b << 16) | (g << 8) | r; }
    table[UNCOUNTED] = 255 << 24;
    for (let place = 0, from = low * width; place < words.length; place += 1) words[place] = table[pixels.current[from + place]];
    canvas.current.getContext("2d").putImageData(image, 0, low);
  };
  const load = (mask) => { last.current = mask; pixels.current = spread(mask); paint(); };
  // What was drawn here is there already; what the studio calls it is remembered, for undoing goes back to it.
  useEffect(() => {
    if (row.truth?.runs) { if (row.truth !== last.current) load(row.truth); return undefined; }
    const isMine = row.state === "corrected", key = isMine ? String(row.truth?.mask) : row.state;
    let isWanted = true;
    if (known.current.has(key)) { if (known.current.get(key) !== last.current) load(known.current.get(key)); }
    else if (isMine && last.current && !("fault" in last.current)) known.current.set(key, last.current);
    else if (width * height <= LARGEST) get(`${path}/mask?${query({ image: row.image, was: !isMine })}`).then((mask) => {
      if (!isWanted) return;
      known.current.set(key, mask);
      tell(mask);
      load(mask);
    }, setFault);
    return () => { isWanted = false; };
  }, [row.truth, row.state]);
  // A first mask names the classes; one that was drawn and not saved yet has them too.
  useEffect(() => { if (!told && row.truth?.classes) tell({ classes: row.truth.classes }); paint(); }, [told]);
  const save = () => {
    last.current = { size: [height, width], runs: packed(pixels.current), classes: names };
    say({ truth: last.current });
  };
  const dab = (from, to) => {
    const radius = thick / 2, steps = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / Math.max(radius / 2, 0.5)));
    for (let step = 0; step <= steps; step += 1) {
      const [x, y] = [0, 1].map((axis) => from[axis] + ((to[axis] - from[axis]) * step) / steps);
      // However thin, it marks the pixel that it is on.
      fillRow(pixels.current, width, height, Math.floor(y), Math.floor(x), Math.floor(x) + 1, number);
      for (let line = Math.ceil(y - radius - 0.5); line + 0.5 <= y + radius; line += 1) {
        const half = Math.sqrt(Math.max(0, radius ** 2 - (line + 0.5 - y) ** 2));
        fillRow(pixels.current, width, height, line, x - half, x + half, number);
      }
    }
    paint(Math.min(from[1], to[1]) - radius - 1, Math.max(from[1], to[1]) + radius + 1);
  };
  const close = () => {
    const around = bent.current;
    bend([]);
    if (around.length < 3) return;
    for (let line = 0; line < height; line += 1) {
      const y = line + 0.5, crossed = around.flatMap(([ax, ay], place) => {
        const [bx, by] = around[(place + 1) % around.length];
        return (ay <= y) === (by <= y) ? [] : [ax + ((bx - ax) * (y - ay)) / (by - ay)];
      }).sort((one, other) => one - other);
      for (let place = 0; place + 1 < crossed.length; place += 2) fillRow(pixels.current, width, height, line, crossed[place], crossed[place + 1], number);
    }
    paint();
    save();
  };
  const place = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    return [((event.clientX - box.left) * width) / box.width, ((event.clientY - box.top) * height) / box.height];
  };
  const near = (one, other) => Math.hypot(one[0] - other[0], one[1] - other[1]) < Math.max(width, height) / 80 / zoom;
  const down = (event) => {
    if (event.button || !pixels.current) return;
    event.preventDefault();
    if (number !== UNCOUNTED && number >= names.length) { setFault(new Error("Name a class first.")); return; }
    setFault(null);
    const to = place(event);
    if (tool === "corners") {
      if (bent.current.length > 2 && near(to, bent.current[0])) close();
      else bend([...bent.current, to.map((each, axis) => Math.min(Math.max(each, 0), axis ? height : width))]);
      return;
    }
    event.currentTarget.setPointerCapture(event.pointerId);
    hold.current = to;
    dab(to, to);
  };
  const move = (event) => {
    const to = place(event);
    hover(to);
    if (hold.current) { dab(hold.current, to); hold.current = to; }
  };
  const up = () => { if (hold.current) { hold.current = null; save(); } };
  const take = (name) => {
    const found = names.indexOf(name);
    if (found < 0) setFresh([...fresh, name]);
    choose(found < 0 ? names.length : found);
    erase(false);
  };
  const turn = (next) => { use(next); bend([]); };
  const thicker = (by) => setThick((before) => Math.min(Math.max(1, Math.round(before * by + Math.sign(by - 1))), Math.max(width, height)));
  const keys = {
    b: () => turn("brush"), p: () => turn("corners"), e: () => erase(!isErasing), i: () => { choose(UNCOUNTED); erase(false); },
    "]": () => thicker(1.25), "[": () => thicker(0.8), "+": () => setZoom(Math.min(8, zoom * 1.5)), "-": () => setZoom(Math.max(1, zoom / 1.5)),
    ...(corners.length ? { Enter: close, Escape: () => bend([]), Backspace: () => bend(corners.slice(0, -1)), u: () => bend(corners.slice(0, -1)) } : {}),
  };
  useKeys((event) => {
    const key = event.key === "=" ? "+" : event.key;
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[key]) return;
    event.preventDefault();
    keys[key]();
  }, true);
  if (width * height > LARGEST) return html`<p class="fault">An image of ${width} x ${height} pixels is too large to draw on here.</p>`;
  const tint = `rgb(${number === UNCOUNTED || !number ? [0, 0, 0] : colour(number)})`, button = (word, key, isOn) => html`
    <button class="small" aria-pressed=${isOn} onClick=${keys[key]}>${word} <kbd>${key}</kbd></button>`;
  return html`<div class="tools">${button("Brush", "b", tool === "brush")}${button("Corners", "p", tool === "corners")}
      ${button("Erase", "e", isErasing)}${button("Counts neither way", "i", number === UNCOUNTED)}
      <label class="tick">Width <input type="range" min="1" max=${Math.max(2, Math.round(Math.max(width, height) / 4))} value=${thick} onInput=${(event) => setThick(Number(event.target.value))} /> ${thick}</label>
      <button class="small" onClick=${keys["-"]} aria-label="Smaller">−</button><button class="small" onClick=${keys["+"]} aria-label="Larger">+</button></div>
    <${Names} names=${names} held=${isErasing || chosen === UNCOUNTED ? [] : [names[chosen]]} take=${take} what="class" dot=${(each) => `rgb(${colour(each)})`} />
    <${Fault} error=${fault} />${told?.fault ? html`<p class="fault">${told.fault}</p>` : null}
    <div class="sheet" tabindex="-1"><div class="mask" style=${{ aspectRatio: `${width} / ${height}`, width: zoom === 1 ? `min(100%, ${(70 * width) / height}vh)` : `${100 * zoom}%` }}>
      <img alt=${row.image} draggable=${false} src="${path}/thumbnail?${query({ image: row.image, size: 1600 })}" /><canvas ref=${canvas} width=${width} height=${height}></canvas>
      <svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="The mask of ${row.image}"
        onPointerDown=${down} onPointerMove=${move} onPointerUp=${up} onPointerCancel=${up} onPointerLeave=${() => hover(null)} onDblClick=${() => tool === "corners" && close()}>
        ${corners.length ? html`<polygon class="outline chosen" style=${{ stroke: tint }} points=${[...corners, ...(at ? [at] : [])].map(String).join(" ")} />
          <circle class="corner" cx=${corners[0][0]} cy=${corners[0][1]} r=${Math.max(width, height) / 140 / zoom} />` : null}
        ${at && tool === "brush" ? html`<circle class="brush" cx=${at[0]} cy=${at[1]} r=${thick / 2} />` : null}</svg></div></div>
    <p class="note">Drag to brush, <kbd>[</kbd> <kbd>]</kbd> thinner and thicker. Corners: click one after the other, and the first again or <kbd>Enter</kbd> fills;
      <kbd>Esc</kbd> lets go. Erasing leaves the first class. The data's own mask stays as it is.</p>`;
}
