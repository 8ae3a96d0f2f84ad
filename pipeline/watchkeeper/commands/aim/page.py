"""The page of `aim`: three fixed texts. What changes comes as numbers from `numbers.json` and is written as text, never
as markup. It draws the frame, the face's box and the middle that the face belongs into: there is no picture to show."""

from __future__ import annotations

HTML = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>watchkeeper aim</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/aim.css">
</head><body>
<h1>watchkeeper aim <span id="overall">waiting</span></h1>
<p id="next">waiting for numbers</p>
<svg id="frame" viewBox="0 0 640 480" role="img" aria-label="where the face is in the frame">
<rect id="edge" x="0" y="0" width="640" height="480"/><path id="middle"/><rect id="face" width="0" height="0"/></svg>
<table><thead><tr><th>item</th><th>verdict</th><th>found</th><th>do</th></tr></thead><tbody id="items"></tbody></table>
<p id="foot"></p>
<p>Numbers only: no picture leaves the vision process. This page ends with the command.</p>
<script src="/aim.js"></script></body></html>
"""

CSS = """body { font: 16px/1.4 sans-serif; margin: 1em; max-width: 60em }
svg { width: 100%; max-width: 30em; background: #222 }
#edge { fill: none; stroke: #888; stroke-width: 2 } #middle { stroke: #6af; stroke-width: 2; fill: none }
#face { fill: none; stroke: #fc3; stroke-width: 4 }
#next { font-size: 1.5em; font-weight: bold }
td, th { text-align: left; padding: .1em .7em .1em 0; vertical-align: top }
.pass { color: #060 } .warn { color: #850 } .fail { color: #b00; font-weight: bold } .unknown { color: #666 }
"""

JS = """'use strict';
const at = id => document.getElementById(id);
function put(element, values) { for (const name in values) element.setAttribute(name, values[name]); }
function show(n) {
  at('overall').textContent = n.overall; at('overall').className = n.overall;
  at('next').textContent = n.action || 'nothing to do: mounting and light will do';
  at('items').replaceChildren(...n.items.map(item => {
    const row = document.createElement('tr');
    for (const text of [item.item, item.verdict, item.found, item.action]) {
      const cell = document.createElement('td');
      cell.textContent = text;
      row.append(cell);
    }
    row.children[1].className = item.verdict;
    return row;
  }));
  if (n.picture) {
    const w = n.picture.width_px, h = n.picture.height_px;
    at('frame').setAttribute('viewBox', `0 0 ${w} ${h}`);
    put(at('edge'), {width: w, height: h});
    put(at('middle'), {d: `M${w / 2} ${0.4 * h}V${0.6 * h}M${0.4 * w} ${h / 2}H${0.6 * w}`});
  }
  const [x, y, w, h] = n.face || [0, 0, 0, 0];
  put(at('face'), {x: x, y: y, width: w, height: h});
  const bus = n.bus ? `${n.bus.state} / ${n.bus.cause}` : 'starting';
  at('foot').textContent = `the bus says ${bus}; ends by itself in ${n.left_s} s`;
}
async function ask() {
  try {
    show(await (await fetch('/numbers.json', {cache: 'no-store'})).json());
  } catch (error) {
    at('overall').textContent = 'ended'; at('next').textContent = 'the command has ended';
  }
  setTimeout(ask, 250);
}
ask();
"""
