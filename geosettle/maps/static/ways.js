// @ts-check
/* The way of a move: its line on the map, and its heights and hours in the card. */

/** The ways and which rows each move has; read once. @returns {null | {table: any, ofFlow: Map<number, number[]>, heights: Float64Array | null, samples: number}} */
function readWays() {
  const element = elementOf('ways');
  if (!element) return null;
  if (!element.read) {
    const table = makeTable(element);
    const heights = element.heights ? readNumbers(element.heights) : null;
    const ofFlow = new Map();
    table.rows('flow').forEach((flow, i) => ofFlow.set(flow, [...(ofFlow.get(flow) ?? []), i]));
    element.read = { table, ofFlow, heights, samples: heights ? heights.length / table.n : 0 };
  }
  return element.read;
}

/** Ways of the moves of what is selected, most households first. @returns {number[]} */
function waysSelected() {
  const ways = readWays();
  const { selected } = state;
  if (!ways || !selected) return [];
  const moves = [...flowsOf[selected.kind][selected.row]].sort((a, b) => (flowHouseholds[b] || 0) - (flowHouseholds[a] || 0));
  return moves.flatMap((i) => ways.ofFlow.get(i) ?? []);
}

/** The way that is drawn: the chosen one, else that of the largest move; -1: none. */
function wayShown() {
  const some = waysSelected();
  return some.includes(state.way) ? state.way : state.way === NO_WAY ? -1 : some[0] ?? -1;
}

/** The reader wants no way to be drawn. */
const NO_WAY = -2;

/** @param {Sheet} sheet @param {any} element */
function drawWays(sheet, element) {
  const way = wayShown();
  if (way < 0) return;
  const { ctx } = sheet;
  const { stroke, width } = element.parts[0].style;
  ctx.beginPath();
  trace(sheet, featuresOf(element.parts[0])[way], false);
  ctx.lineJoin = 'round';
  ctx.lineCap = 'round';
  for (const [colour, wide] of [['#FFFFFF', width + 2.4], [stroke, width]]) {
    ctx.strokeStyle = colour;
    ctx.lineWidth = wide;
    ctx.stroke();
  }
}

/** Which way it is: the other end of its move, how one goes, and in which direction. @param {number} way */
function wayName(way) {
  const { table } = /** @type {any} */ (readWays());
  const flow = table.value('flow', way);
  const other = state.selected?.kind === 'site' ? rowName(origins, flows.value('origin', flow)) : rowName(sites, flows.value('site', flow));
  return `${shortName(other)}${word('list_comma')}${word(`metric_${table.value('metric', way)}`)}${word('list_comma')}${word(table.value('back', way) ? 'way_back' : 'way_out')}`;
}

/** How a link names a way. @param {number} way */
function wayKey(way) {
  const { table } = /** @type {any} */ (readWays());
  const flow = table.value('flow', way);
  return [origins.value('id', flows.value('origin', flow)), sites.value('id', flows.value('site', flow)), table.value('metric', way), table.value('back', way) ? 'back' : 'out'].join('|');
}

/** Read the way of a link, once its place is selected. */
function readWayHash() {
  const key = hashValue('way');
  if (key === 'none') state.way = NO_WAY;
  else if (key !== null) state.way = waysSelected().find((way) => wayKey(way) === key) ?? choices().way;
}

/** The ways of what is selected: one to choose, its length and hours, its heights. */
function waySection() {
  const some = waysSelected();
  if (!some.length) return null;
  const way = wayShown();
  const options = [[String(NO_WAY), word('none')], ...some.map((w) => [String(w), wayName(w)])];
  const choose = (value) => {
    state.way = Number(value);
    fillCard();
    document.getElementById('gs-way')?.focus();
    sheets.repaint();
    writeHash();
    announce(state.way < 0 ? word('none') : wayName(state.way));
  };
  return el('section', { id: 'gs-ways' }, chooser('gs-way', word('way'), options, String(way < 0 ? NO_WAY : way), choose),
    way < 0 ? null : [el('dl', {}, wayFacts(way)), profileChart(way)]);
}

/** @param {number} way */
function wayFacts(way) {
  const { table } = /** @type {any} */ (readWays());
  const of = (key) => table.value(key, way);
  const facts = [fact(word('way_length'), withUnit(figure(of('length_km')), 'km')), fact(word('way_hours'), withUnit(figure(of('hours')), 'h'))];
  if (of('ride_h')) facts.push(fact(word('way_parts'), word('way_on_foot_by_road', { walk: figure(of('walk_h')), ride: figure(of('ride_h')) })));
  if (of('ascent_m') !== null) facts.push(fact(word('way_climb'), word('way_up_down', { up: figure(of('ascent_m'), 0), down: figure(of('descent_m'), 0) })));
  return facts;
}

/** Heights along a way. @param {number} way */
function profileChart(way) {
  const { table, heights, samples } = /** @type {any} */ (readWays());
  const km = table.value('length_km', way);
  const all = heights ? Array.from(heights.subarray(way * samples, (way + 1) * samples)) : [];
  const known = all.filter((h) => !Number.isNaN(h));
  if (known.length < 2 || !(km > 0)) return null;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const [left, top, height] = [46, 8, 84];
  const marks = ticks(km);
  const x = (d) => left + ((CHART_WIDTH - left - 14) * d) / marks[marks.length - 1];
  const y = (h) => top + height - (high > low ? (height * (h - low)) / (high - low) : height / 2);
  const line = all.map((h, i) => (Number.isNaN(h) ? '' : `${i && !Number.isNaN(all[i - 1]) ? 'L' : 'M'}${x((km * i) / (samples - 1)).toFixed(1)} ${y(h).toFixed(1)}`)).join('');
  const text = word('way_profile_of', { low: figure(low, 0), high: figure(high, 0) });
  const chart = svg('svg', { viewBox: `0 0 ${CHART_WIDTH} ${top + height + 22}`, role: 'img', 'aria-label': text });
  for (const h of low < high ? [low, high] : [low]) {
    chart.append(svg('line', { x1: left, x2: CHART_WIDTH - 14, y1: y(h), y2: y(h), stroke: 'var(--line)' }));
    chart.append(chartText(left - 5, y(h) + 4, figure(h, 0), { 'text-anchor': 'end', fill: 'var(--muted)', 'font-size': 10 }));
  }
  for (const mark of marks) chart.append(chartText(x(mark), top + height + 16, figure(mark, km < 8 ? 1 : 0), { 'text-anchor': 'middle', fill: 'var(--muted)', 'font-size': 10 }));
  chart.append(svg('path', { d: line, fill: 'none', stroke: elementOf('ways').parts[0].style.stroke, 'stroke-width': 2, 'stroke-linejoin': 'round' }));
  return el('figure', {}, el('figcaption', {}, word('way_profile')), chart);
}
