// @ts-check
/* The legend: what is drawn, and the switch for it. */

/** What only helps to find one's way, in the order of the legend. */
const BASE_LAYERS = ['labels', 'places', 'boundaries', 'roads', 'rivers', 'graticule', 'surroundings', 'relief'];

function fillLegend() {
  part.sizes = el('div');
  part.parcels = parcelChoice() || '';
  const shown = DATA.elements.filter((e) => !['areas', 'units', 'change'].includes(e.kind)).reverse();
  const theme = shown.filter((e) => !BASE_LAYERS.includes(e.name));
  const base = BASE_LAYERS.flatMap((name) => shown.filter((e) => e.name === name));
  part.legend.replaceChildren(el('h2', {}, word('legend')), el('ul', { class: 'gs-legend' }, theme.flatMap(legendRows)), flowChoice(), part.sizes,
    part.parcels, el('h2', {}, word('base')), el('ul', { class: 'gs-legend' }, base.flatMap(legendRows)));
  fillSizes();
}

/** @param {any} element */
function legendRows(element) {
  if (element.name === 'development' && state.parcels === 'year' && datedParcels()) return parcelRows(element);
  const extra = otherSymbols(element).map(([paint, text]) => el('li', { class: 'gs-more' }, symbol(paint), el('span', {}, text)));
  const parts = element.parts || [null];
  // Where no site reports what sizes count, all are hollow and none is larger.
  const hollow = element.kind === 'sites' && !anyHouseholds(sites);
  const paint = hollow ? hollowSymbol : (ctx) => drawSymbol(ctx, element, parts[0]);
  const first = el('li', {}, el('label', {}, layerSwitch(element), symbol(paint), el('span', {}, hollow ? word('sites_hollow', { what: countWord('sites').toLocaleLowerCase() }) : element.kind === 'flows' ? flowLabel(element) : say(parts[0]?.label || element.label))));
  const others = parts.slice(1).map((p) => el('li', { class: 'gs-more' }, symbol((ctx) => drawSymbol(ctx, element, p)), el('span', {}, say(p.label))));
  return [first, ...others, ...extra];
}

/** What an element shows besides its main symbol, where the study has it. @param {any} element @returns {[(ctx: CanvasRenderingContext2D) => void, string][]} */
function otherSymbols(element) {
  const unknown = (table) => table.column(sizedBy(element.name)).some((v) => v === null);
  const what = countWord(element.name).toLocaleLowerCase();
  /** @type {[(ctx: CanvasRenderingContext2D) => void, string][]} */
  const more = [];
  if (element.kind === 'sites' && unknown(sites) && anyHouseholds(sites)) more.push([hollowSymbol, word('sites_hollow', { what })]);
  if (element.kind === 'sites' && placeOf) more.push([stackSymbol, word('sites_stacked')]);
  if (element.kind === 'sites' && sites.has('aside')) more.push([asideSymbol, word('sites_aside')]);
  if (element.kind === 'flows' && !flowsByUnit() && unknown(flows)) more.push([thinSymbol, word('flows_thin', { what })]);
  return more;
}

/** Whether any row of a table reports what sizes count. @param {any} table */
function anyHouseholds(table) {
  return table.column(sizedBy(table === sites ? 'sites' : 'flows')).some((v) => v !== null);
}

/** @param {any} element */
function layerSwitch(element) {
  return el('input', {
    type: 'checkbox',
    'data-layer': element.name,
    checked: !state.hidden.has(element.name),
    'aria-label': word('show_layer', { name: [...new Set((element.parts || [element]).map((p) => say(p.label || element.label)))].join(word('list_gap')) }),
    onchange: (event) => {
      if (event.target.checked) state.hidden.delete(element.name);
      else state.hidden.add(element.name);
      writeHash();
      showPictures();
      sheets.repaint();
    },
  });
}

/** A small canvas, drawn upon at the screen's density. @param {(ctx: CanvasRenderingContext2D) => void} paint @param {number} [height] */
function symbol(paint, height) {
  const canvas = el('canvas', { width: 68, height: 2 * (height || 18), 'aria-hidden': 'true', class: 'gs-symbol', style: { height: `${height || 18}px` } });
  const ctx = canvas.getContext('2d');
  ctx.scale(2, 2);
  paint(ctx);
  return canvas;
}

/** @param {CanvasRenderingContext2D} ctx */
function hollowSymbol(ctx) {
  diamond(ctx, 17, 9, 5.5);
  ctx.fillStyle = '#FFFFFF';
  ctx.fill();
  ctx.strokeStyle = SITE;
  ctx.lineWidth = 1.8;
  ctx.stroke();
}

/** @param {CanvasRenderingContext2D} ctx */
function stackSymbol(ctx) {
  diamond(ctx, 15, 10, 7);
  ctx.fillStyle = SITE;
  ctx.fill();
  badge(ctx, 5, 21, 7);
}

/** @param {CanvasRenderingContext2D} ctx */
function asideSymbol(ctx) {
  diamond(ctx, 17, 9, 6.5);
  ctx.fillStyle = ASIDE;
  ctx.fill();
}

/** A ring of equal distance. @param {CanvasRenderingContext2D} ctx */
function ringSymbol(ctx) {
  ctx.beginPath();
  ctx.arc(17, 9, 7.5, 0, 2 * Math.PI);
  ctx.strokeStyle = '#333333';
  ctx.setLineDash([2, 4]);
  ctx.stroke();
}

/** @param {CanvasRenderingContext2D} ctx */
function thinSymbol(ctx) {
  ctx.beginPath();
  traceFlow(ctx, [2, 13, 17, 3, 32, 6], flowWidth(null));
  ctx.fillStyle = FLOW;
  ctx.globalAlpha = 0.6;
  ctx.fill();
}

/** The symbol of an element, or of one part of it. @param {CanvasRenderingContext2D} ctx @param {any} element @param {any} of */
function drawSymbol(ctx, element, of) {
  const style = of?.style || {};
  if (element.kind === 'sites') {
    diamond(ctx, 17, 9, 8);
    ctx.fillStyle = SITE;
    ctx.fill();
  } else if (element.kind === 'origins') {
    ctx.beginPath();
    ctx.arc(17, 9, 4.2, 0, 2 * Math.PI);
    ctx.fillStyle = '#FFFFFF';
    ctx.fill();
    ctx.strokeStyle = ORIGIN;
    ctx.lineWidth = 1.5;
    ctx.stroke();
  } else if (element.kind === 'flows') {
    ctx.beginPath();
    traceFlow(ctx, [2, 14, 17, 2, 32, 7], 6);
    ctx.fillStyle = FLOW;
    ctx.globalAlpha = 0.6;
    ctx.fill();
  } else if (element.kind === 'discs' && element.areas && !element.discs) boxOrLine(ctx, { stroke: regionsOf(element, 'site').some((v) => v !== null) ? STYLE.uncertainty : ORIGIN, fill: '#00000010', dash: [2, 2] });
  else if (element.kind === 'discs') discSymbol(ctx);
  else if (element.kind === 'labels') {
    ctx.font = `600 12px ${SANS}`;
    ctx.fillStyle = INK;
    ctx.fillText('Aa', 9, 13);
  } else if (element.kind === 'graticule') {
    ctx.strokeStyle = '#7D8790';
    ctx.lineWidth = 0.8;
    ctx.strokeRect(4, -3, 13, 12);
    ctx.strokeRect(17, 9, 13, 12);
  } else if (element.kind === 'picture') {
    const shade = ctx.createLinearGradient(2, 0, 32, 0);
    ['#F4ECDC', '#E2DCCE', '#CFCBC2', '#FAFAFA'].forEach((c, i) => shade.addColorStop(i / 3, c));
    ctx.fillStyle = shade;
    ctx.fillRect(2, 3, 30, 12);
  } else if (element.kind === 'points') {
    ctx.fillStyle = style.fill;
    ctx.beginPath();
    if (style.symbol === 'square') ctx.rect(14.5, 6.5, 5, 5);
    else ctx.arc(17, 9, style.radius || 2.5, 0, 2 * Math.PI);
    ctx.fill();
  } else boxOrLine(ctx, style);
}

/** One disc as sites have it, one as origins have it, where any of them has one. @param {CanvasRenderingContext2D} ctx */
function discSymbol(ctx) {
  const shown = [[sites, STYLE.uncertainty], [origins, ORIGIN]].filter(([table]) => table.has('uncertainty_km') && table.column('uncertainty_km').some((km, i) => km > 0 && table.value('lon', i) !== null));
  shown.forEach(([, colour], k) => {
    ctx.beginPath();
    ctx.arc(shown.length === 1 ? 17 : 9.5 + 15 * k, 9, shown.length === 1 ? 7.5 : 6.5, 0, 2 * Math.PI);
    ctx.fillStyle = colour;
    ctx.globalAlpha = 0.12;
    ctx.fill();
    ctx.globalAlpha = 0.9;
    ctx.strokeStyle = colour;
    ctx.lineWidth = 1.1;
    ctx.setLineDash([2, 2]);
    ctx.stroke();
  });
}

/** @param {CanvasRenderingContext2D} ctx @param {any} style */
function boxOrLine(ctx, style) {
  ctx.globalAlpha = style.opacity ?? 1;
  ctx.setLineDash(style.dash || []);
  ctx.lineWidth = style.width || 1;
  ctx.strokeStyle = style.hatch ? style.fill : style.stroke || '#9AA3A9';
  if (style.fill) {
    ctx.fillStyle = style.hatch ? hatch(ctx, style.fill) : style.fill;
    ctx.fillRect(3, 3, 28, 12);
    ctx.strokeRect(3, 3, 28, 12);
  } else {
    ctx.beginPath();
    ctx.moveTo(1, 9);
    ctx.lineTo(33, 9);
    ctx.stroke();
  }
}

/** A number near the share of the greatest that reads well. @param {number} value */
function roundFigure(value) {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(value)));
  return Math.max(1, Math.round(value / power) * power);
}

/** The sizes of the legend follow the map's, which shrink where there are very many sites. */
function fillSizes() {
  part.sizes.replaceChildren(...[sizeLegend()].filter(Boolean));
}

/** How large a diamond and how wide a flow is for how many households. */
function sizeLegend() {
  const [pairs, most] = flowsByUnit() ? [true, pairRows().most] : [false, mostPerFlow];
  const some = (shares, of) => [...new Set(shares.map((s) => roundFigure(of * s)))];
  const perSite = anyHouseholds(sites) ? some([0.1, 0.4, 1], mostPerSite) : [];
  const perFlow = pairs || (perSite.length && anyHouseholds(flows)) ? some([0.3, 1], most) : [];
  if (!perSite.length && !perFlow.length) return null;
  const ofFlow = !pairs ? word('per_flow', { what: perSite.length && sizedBy('sites') === sizedBy('flows') ? '' : countWord('flows').toLocaleLowerCase() }).trim() : word(COUNTED === 'households' ? 'per_pair_households' : 'per_pair_moves');
  const heads = [perSite.length ? [word('per_site', { what: countWord('sites') }), perSite] : [], perFlow.length ? [ofFlow, perFlow] : []].filter((h) => h.length);
  const canvas = el('canvas', { width: 696, height: 80, class: 'gs-sizes', role: 'img', 'aria-label': heads.map(([head, values]) => `${head}${word('colon')}${/** @type {any} */ (values).join(word('list_comma'))}`).join(word('list_gap')) });
  const ctx = canvas.getContext('2d');
  ctx.scale(2, 2);
  ctx.font = `11px ${SANS}`;
  ctx.textBaseline = 'middle';
  let x = 4;
  for (const v of perSite) {
    const r = siteRadius(v);
    diamond(ctx, x + r, 20, r);
    ctx.fillStyle = SITE;
    ctx.fill();
    ctx.fillStyle = INK;
    ctx.fillText(figure(v, 0), x + 2 * r + 4, 20);
    x += 2 * r + 12 + ctx.measureText(figure(v, 0)).width;
  }
  if (perSite.length) x += 16;
  for (const v of perFlow) {
    const width = pairs ? pairWidth(v, most) : flowWidth(v);
    ctx.fillStyle = FLOW;
    ctx.globalAlpha = 0.6;
    ctx.fillRect(x, 20 - width / 2, 26, width);
    ctx.globalAlpha = 1;
    ctx.fillStyle = INK;
    ctx.fillText(figure(v, 0), x + 30, 20);
    x += 42 + ctx.measureText(figure(v, 0)).width;
  }
  return el('div', {}, el('p', { class: 'gs-note' }, heads.map(([head]) => head).join(word('list_gap'))), canvas);
}

/** A row of coloured boxes with labels. @param {{colour: string, label: any}[]} classes @param {boolean} ramp */
function classLegend(classes, ramp) {
  return el('ul', { class: ramp ? 'gs-ramp' : 'gs-classes' }, classes.map((c) => el('li', {}, el('i', { style: { backgroundColor: c.colour } }), el('span', {}, isolated(say(c.label))))));
}
