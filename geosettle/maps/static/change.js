// @ts-check
/* The chosen indicator: its value at the sites, and what changed from origin to site as arrows, a slope and words. */

const UP = STYLE.changeUp;
const DOWN = STYLE.changeDown;
const ARROW_LENGTHS = [12, 20, 29];
/** With more arrows than this in view none could be distinguished from its neighbour. */
const MOST_ARROWS = 1500;

/** The indicator the sites are coloured by, or null. */
function chosenIndicator() {
  return DATA.sites.indicators.find((i) => i.column === state.indicator) || null;
}

/** Name of an indicator with its metric. @param {any} indicator */
function indicatorName(indicator) {
  return indicator.how ? `${say(indicator.name)}, ${say(indicator.how)}` : say(indicator.name);
}

/** Which way a change goes, by the code Python gives. @type {Object<string, string>} */
const WAYS = { '1': 'up', '-1': 'down', '0': 'same', '2': 'unsure' };

/**
 * Change of an indicator at a site with what it was at the origins; null where it is not known.
 * @param {any} indicator @param {number} row
 */
function changeAt(indicator, row) {
  if (!indicator?.change) return null;
  const of = (end) => sites.value(`${indicator.column}${end}`, row);
  const [change, low, high, at, atLow, atHigh] = ['_c', '_c_low', '_c_high', '', '_low', '_high'].map(of);
  if (change === null || at === null) return null;
  // The interval of a change is the site's low less the origin's high, to the site's high less the origin's low.
  const whole = [low, high, atLow, atHigh].every((v) => v !== null) && atHigh - high <= at - change && atLow - low >= at - change;
  return { change, low, high, at, atLow, atHigh, from: at - change, fromLow: whole ? atHigh - high : null, fromHigh: whole ? atLow - low : null, way: WAYS[of('_c_way')], plain: of('_c_plain') === 1 };
}

/** Texts for a rise and a fall, by what a larger value means. @type {Object<string, {up: string, down: string}>} */
const WAY_WORDS = {
  far: { up: 'direction_farther', down: 'direction_nearer' }, more: { up: 'direction_more', down: 'direction_fewer' },
  remote: { up: 'direction_more_remote', down: 'direction_less_remote' },
};

/** The way of a change in words. @param {any} indicator @param {string} way */
function wayWord(indicator, way) {
  if (way === 'up' || way === 'down') return word(WAY_WORDS[indicator.change][way]);
  return word(way === 'same' ? 'direction_as_before' : 'direction_not_distinguishable');
}

/** A number with its sign. @param {number} value @param {number} [digits] */
function signed(value, digits) {
  return value > 0 ? `+${figure(value, digits)}` : figure(value, digits);
}

/** How an indicator's numbers are written: lengths and times only as finely as places are known. @param {any} indicator */
function digitsOf(indicator) {
  return indicator.unit === 'km' || indicator.unit === 'h' ? undefined : FINE;
}

/** Change in words, with unit and interval. @param {any} indicator @param {any} c */
function changeText(indicator, c) {
  const between = interval(c.low, c.high, digitsOf(indicator));
  return `${withUnit(signed(c.change, digitsOf(indicator)), indicator.unit === 'km' || indicator.unit === 'h' ? indicator.unit : '')}${between ? ` (${between})` : ''}: ${wayWord(indicator, c.way)}`;
}

/**
 * At most so many classes of about equal count: the highest value of each, ascending, and labels.
 * @param {number[]} values @param {number} most @param {number} [digits] of the labels
 */
function equalClasses(values, most, digits) {
  const sorted = [...values].sort((a, b) => a - b);
  const distinct = [...new Set(sorted)];
  const tops = distinct.length <= most ? distinct : [...new Set(Array.from({ length: most }, (_, k) => sorted[Math.ceil(((k + 1) / most) * sorted.length) - 1]))];
  const labels = tops.map((top, k) => {
    const low = figure(sorted.find((v) => k === 0 || v > tops[k - 1]), digits);
    return low === figure(top, digits) ? low : `${low}–${figure(top, digits)}`;
  });
  return { tops, labels };
}

/** Classes of the size of the changes that are distinguishable. @type {Object<string, {tops: number[], labels: string[]}>} */
const sizeClasses = {};

/** @param {any} indicator */
function changeSizes(indicator) {
  if (!sizeClasses[indicator.column]) {
    const way = sites.column(`${indicator.column}_c_way`);
    const known = sites.column(`${indicator.column}_c`).filter((v, i) => v !== null && Math.abs(way[i] ?? 0) === 1).map(Math.abs);
    sizeClasses[indicator.column] = equalClasses(known, ARROW_LENGTHS.length, digitsOf(indicator));
  }
  return sizeClasses[indicator.column];
}

/** Length of the arrow for a change. @param {any} indicator @param {number} change */
function arrowLength(indicator, change) {
  const { tops } = changeSizes(indicator);
  const k = tops.findIndex((top) => Math.abs(change) <= top + 1e-9);
  return ARROW_LENGTHS[Math.max(0, k < 0 ? tops.length - 1 : k) + (ARROW_LENGTHS.length - Math.max(1, tops.length))];
}

/** Arrows of the chosen indicator at the sites in view. @param {Sheet} sheet */
function drawChange(sheet) {
  const indicator = chosenIndicator();
  if (!indicator?.change) return;
  const marks = [];
  for (let i = 0; i < sites.n; i++) {
    const x = siteXY[2 * i] * sheet.scale + sheet.dx;
    const y = siteXY[2 * i + 1] * sheet.scale + sheet.dy;
    if (!(x > -40 && y > -40 && x < sheet.width + 40 && y < sheet.height + 40) || !siteShown(i)) continue;
    const c = changeAt(indicator, i);
    if (c) marks.push({ i, x, y, c });
    if (marks.length > MOST_ARROWS) return;
  }
  for (const { i, x, y, c } of marks) {
    const r = siteRadius(siteSymbols().values[i]) + 2;
    const length = arrowLength(indicator, c.change);
    sheet.ctx.globalAlpha = state.selected && !concerns(sites, i) ? 0.35 : 1;
    const box = arrow(sheet.ctx, x, c.way === 'down' ? y + r : y - r, c.way, length);
    sheet.taken.push(box);
  }
}

/**
 * One arrow with a white rim; a bar where the change is not distinguishable from none, two bars where there is none.
 * @param {CanvasRenderingContext2D} ctx @param {number} x @param {number} y where it begins @param {string} way @param {number} length @param {string} [colour]
 */
function arrow(ctx, x, y, way, length, colour) {
  ctx.beginPath();
  if (way === 'up' || way === 'down') {
    const s = way === 'up' ? -1 : 1;
    const neck = y + s * (length - 8);
    ctx.moveTo(x - 1.7, y);
    for (const [px, py] of [[x - 1.7, neck], [x - 5.2, neck], [x, y + s * length], [x + 5.2, neck], [x + 1.7, neck], [x + 1.7, y]]) ctx.lineTo(px, py);
    ctx.closePath();
  } else {
    for (const up of way === 'same' ? [3, 7.5] : [5]) ctx.rect(x - 6, y - up - 1.4, 12, 2.8);
  }
  ctx.lineJoin = 'round';
  ctx.lineWidth = 3;
  ctx.strokeStyle = '#FFFFFF';
  ctx.stroke();
  ctx.fillStyle = colour || (way === 'up' ? UP : way === 'down' ? DOWN : MUTED);
  ctx.fill();
  return way === 'up' ? [x - 7, y - length - 2, x + 7, y] : way === 'down' ? [x - 7, y, x + 7, y + length + 2] : [x - 7, y - 11, x + 7, y];
}

/** How many sites went which way. @param {any} indicator @returns {Object<string, number>} */
function countWays(indicator) {
  const counts = { up: 0, down: 0, same: 0, unsure: 0 };
  for (let i = 0; i < sites.n; i++) {
    const c = changeAt(indicator, i);
    if (c) counts[c.way]++;
  }
  return counts;
}

/** What an indicator says over all sites, in one sentence. @param {any} indicator */
function indicatorSummary(indicator) {
  if (!indicator.change) return indicatorName(indicator);
  const counts = countWays(indicator);
  const counted = Object.keys(counts).filter((way) => counts[way]).map((way) => `${counts[way]} ${wayWord(indicator, way)}`);
  return `${indicatorName(indicator)}${word('full_stop')}${word('change_since')}${word('colon')}${counted.join(word('list_comma')) || word('no_data')}`;
}

/** A sample of each way a change goes, and what it means. @param {any} indicator @returns {[(ctx: CanvasRenderingContext2D) => void, string][]} */
function changeItems(indicator) {
  const counts = countWays(indicator);
  return Object.keys(counts).filter((way) => counts[way]).map((way) => [(ctx) => { arrow(ctx, 17, way === 'down' ? 1 : way === 'up' ? 17 : 14, way, 16); },
    `${way === 'unsure' ? word('way_unsure_long') : wayWord(indicator, way)}: ${counts[way]}`]);
}

/** Colours of the sites under an indicator, and what each means. @param {any} indicator @returns {{colour: string, label: string}[]} */
function siteClasses(indicator) {
  const column = sites.column(indicator.column);
  const { levels } = indicator;
  const classes = levels ? levels.map((text, k) => ({ colour: LEVEL_COLOURS[k], label: text }))
    : classesOf(indicator.column).labels.map((text, k) => ({ colour: CLASS_COLOURS[k], label: text }));
  if (levels && column.some((v) => v !== null && !levels.includes(v))) classes.push({ colour: ASIDE, label: word('all_others') });
  return column.includes(null) ? [...classes, { colour: NO_DATA, label: word('no_data') }] : classes;
}

/** Colours and arrows of the chosen indicator. @param {any} indicator */
function indicatorLegend(indicator) {
  const unit = indicator.unit ? ` (${unitWords(indicator.unit)})` : '';
  const values = [el('p', { class: 'gs-note' }, `${word('value_at_site')}${unit}`), classLegend(siteClasses(indicator), false)];
  const element = elementOf('change');
  if (!element || !indicator.change) return values;
  const { tops, labels } = changeSizes(indicator);
  const row = (height, paint, text) => el('li', {}, symbol(paint, height), el('span', {}, text));
  const ways = changeItems(indicator).map(([paint, text]) => row(18, paint, text));
  const lengths = tops.length > 1 ? el('ul', { class: 'gs-arrows' }, labels.map((text, k) => {
    const length = ARROW_LENGTHS[k + ARROW_LENGTHS.length - tops.length];
    return row(34, (ctx) => arrow(ctx, 17, 33, 'up', length, INK), text);
  })) : null;
  return [...values,
    el('ul', { class: 'gs-legend gs-ways' }, el('li', {}, el('label', {}, layerSwitch(element), el('span', {}, `${word('change_since')}${unit}`))), ways), lengths,
    sites.n > MOST_ARROWS ? el('p', { class: 'gs-note' }, word('change_zoom')) : null];
}

/** The indicator whose change the card draws: the chosen one, else the first of the main ones that has a change here. @param {number} row */
function slopeIndicator(row) {
  const chosen = chosenIndicator();
  if (changeAt(chosen, row)) return chosen;
  return DATA.sites.indicators.find((i) => i.main && changeAt(i, row)) || null;
}

/** From the origins to the site: two scales, a line between them, intervals as bars. @param {number} row */
function slopeChart(row) {
  const indicator = slopeIndicator(row);
  const c = indicator ? changeAt(indicator, row) : null;
  if (!c) return null;
  const ends = [c.from, c.at, c.fromLow, c.fromHigh, c.atLow, c.atHigh].filter((v) => v !== null);
  const [least, most] = [Math.min(0, ...ends), Math.max(...ends, 1e-9)];
  const y = (v) => 92 - (76 * (v - least)) / (most - least);
  const colour = `var(--${{ up: 'up', down: 'down' }[c.way] || 'muted'})`;
  const digits = digitsOf(indicator);
  const ranged = (value, low, high) => `${figure(value, digits)}${interval(low, high) ? ` (${interval(low, high, digits)})` : ''}`;
  const [left, right] = [ranged(c.from, c.fromLow, c.fromHigh), ranged(c.at, c.atLow, c.atHigh)];
  const chart = svg('svg', { viewBox: `0 0 ${CHART_WIDTH} 112`, role: 'img', 'aria-label': `${indicatorName(indicator)}${word('colon')}${word('at_origins')} ${left}${word('list_comma')}${word('at_site')} ${right}${word('full_stop')}${word('change_since')} ${changeText(indicator, c)}` });
  for (const [x, value, low, high] of [[118, c.from, c.fromLow, c.fromHigh], [218, c.at, c.atLow, c.atHigh]]) {
    chart.append(svg('line', { x1: x, x2: x, y1: 12, y2: 92, stroke: 'var(--line)' }));
    if (low !== null) chart.append(svg('line', { x1: x, x2: x, y1: y(Math.max(least, low)), y2: y(high), stroke: colour, 'stroke-width': 7, opacity: 0.3 }));
    chart.append(svg('circle', { cx: x, cy: y(value), r: 4.5, fill: colour }));
  }
  chart.append(svg('line', { x1: 118, x2: 218, y1: y(c.from), y2: y(c.at), stroke: colour, 'stroke-width': 2.5, 'stroke-dasharray': c.way === 'unsure' ? '4 3' : null }));
  chart.append(chartText(108, y(c.from) + 4, left, { 'text-anchor': 'end' }), chartText(228, y(c.at) + 4, right));
  chart.append(chartText(118, 108, word('at_origins'), { 'text-anchor': 'middle', fill: 'var(--muted)' }), chartText(218, 108, word('at_site'), { 'text-anchor': 'middle', fill: 'var(--muted)' }));
  return el('figure', { id: 'gs-slope' }, el('figcaption', {}, isolated(indicatorName(indicator)), indicator.unit ? [' (', isolated(unitWords(indicator.unit)), ')'] : ''), chart,
    el('p', { class: 'gs-note' }, el('b', {}, `${word('change_since')}${word('colon')}`), changeText(indicator, c), `${word('full_stop')}${word(c.plain ? 'mean_moves' : 'mean_households')}`));
}
