// The chosen point and the two groups, which the address holds and Python hears of.

import { writeAddress } from "../bridge.js";
import { deflate, inflate, packBits, unpackBits } from "../codecs.js";
import { GROUPS, thousands } from "./state.js";

export function makeChoice(map, host, status) {
  let known = ""; // the last choice that Python and this page agreed on

  async function tell() { // the address first
    const number = host.next(), chosen = { point: map.point < 0 ? "" : String(map.point) };
    for (const name of GROUPS) chosen[name] = map.groups[name].size ? await deflate(packBits(map.groups[name], map.points.n)) : "";
    if (!host.isLatest(number)) return; // overtaken
    writeAddress(chosen);
    known = JSON.stringify(chosen);
    host.send("chosen", chosen, number);
  }

  function pick(i) { // -1: none
    map.point = i;
    status.textContent = i < 0 ? "" : map.describe(i);
    if (map.tile) map.draw();
    else map.mark();
    tell();
  }

  function take(name, members) { // into a group, in the place of those it had
    const { groups, data } = map, called = `Group ${name.toUpperCase()}`;
    if (!members.length) {
      status.textContent = `The lasso held no points, so ${called} ${groups[name].size ? "is as it was" : "is empty"}: draw it around some.`;
      return map.mark();
    }
    groups[name] = new Set(members);
    status.textContent = `${called}: ${thousands(members.length)} ${data.noun}s.`;
    map.refresh();
    map.draw();
    tell();
  }

  function clear() { // both groups
    for (const name of GROUPS) map.groups[name] = new Set();
    status.textContent = "No group is selected.";
    map.refresh();
    map.draw();
    tell();
  }

  async function adopt() { // what Python or a link chose
    const { chosen } = map.data;
    map.point = chosen.point === "" ? -1 : Number(chosen.point);
    for (const name of GROUPS) map.groups[name] = new Set(unpackBits(await inflate(chosen[name])));
    map.refresh();
  }

  function chosenElsewhere() { // asked once for each word of Python
    const now = JSON.stringify(map.data.chosen), elsewhere = now !== known;
    known = now;
    return elsewhere;
  }

  return { pick, take, clear, adopt, chosenElsewhere };
}
