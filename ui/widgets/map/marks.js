// What stands above the points: the lasso, rings around some of them, and the pin of the visitor's own digit.

export function paintMarks(map, paper, style) {
  if (map.lasso) outline(map, paper);
  const { data, hovered } = map, chosen = data.own ? -1 : map.point; // beside a drawing only what is near it counts
  const rim = [style.getPropertyValue("--st-background-color"), style.color];
  if (chosen >= 0 || data.own) data.near.forEach((i) => ring(map, paper, rim, i, -2, 1.2));
  if (hovered >= 0 && hovered !== chosen) ring(map, paper, rim, hovered, 0, 1.5);
  if (chosen >= 0) ring(map, paper, rim, chosen, 1, 3);
  if (data.mine) pin(paper, ...map.toScreen(data.mine[0], 1 - data.mine[1]));
}

function outline(map, paper) {
  const { lasso } = map, colour = map.data.groupColours[lasso.group];
  paper.strokeStyle = colour;
  paper.fillStyle = `${colour}22`;
  paper.lineWidth = 2;
  paper.beginPath();
  lasso.path.forEach(([x, y]) => paper.lineTo(...map.toScreen(x, y)));
  paper.closePath();
  paper.fill();
  paper.stroke();
}

function ring(map, paper, rim, i, grows, width) { // dark and light, so that it stands out from any picture
  if (!map.shows(i)) return;
  const [px, py] = map.placeOf(i), square = map.tiled.has(i), radius = grows + (square ? map.tile / 2 + 4 : 7);
  paper.beginPath();
  if (square) paper.rect(px - radius, py - radius, 2 * radius, 2 * radius);
  else paper.arc(px, py, radius, 0, 7);
  rim.forEach((colour, k) => {
    paper.strokeStyle = colour;
    paper.lineWidth = width + (k ? 0 : 2);
    paper.stroke();
  });
}

function pin(paper, px, py) { // over the place of the drawing
  paper.fillStyle = "#e8590c";
  paper.strokeStyle = "#fff";
  paper.lineWidth = 2;
  paper.beginPath();
  paper.moveTo(px, py);
  paper.bezierCurveTo(px - 4, py - 12, px - 12, py - 16, px - 12, py - 25);
  paper.arc(px, py - 25, 12, Math.PI, 0);
  paper.bezierCurveTo(px + 12, py - 16, px + 4, py - 12, px, py);
  paper.fill();
  paper.stroke();
  paper.fillStyle = "#fff";
  paper.beginPath();
  paper.arc(px, py - 25, 4.5, 0, 7);
  paper.fill();
}
