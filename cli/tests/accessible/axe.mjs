// Looks for what keeps people from reading a report's page: axe-core in Chromium, wide and narrow, light and dark.
// No test needs it; the test `page` holds the page to the rules that it can check by itself.
//
//     spikegate report DIR --html page.html --input DATA --float 32 --model MODEL
//     npm install --prefix /tmp/axe axe-core puppeteer-core && cp cli/tests/accessible/axe.mjs /tmp/axe
//     CHROMIUM=/usr/bin/chromium node /tmp/axe/axe.mjs page.html...

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import puppeteer from 'puppeteer-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const LEAST_CONTRAST = 4.5; // WCAG 2.2, 1.4.3

/// Runs in the page: texts in drawings, which axe leaves open, that stand out too little from the page.
function faint(least) {
  const light = (colour) => {
    const [r, g, b] = colour.match(/\d+/g).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const page = light(getComputedStyle(document.documentElement).backgroundColor);
  const contrast = (of) => {
    const text = light(getComputedStyle(of).fill);
    return (Math.max(text, page) + 0.05) / (Math.min(text, page) + 0.05);
  };
  return [...document.querySelectorAll('svg text')].filter((text) => contrast(text) < least).map((text) => text.textContent);
}

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
  protocolTimeout: 600_000,
});
let found = 0;
for (const file of process.argv.slice(2)) {
  for (const width of [1280, 400]) {
    for (const scheme of ['light', 'dark']) {
      const page = await browser.newPage();
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
      await page.setViewport({ width, height: 900 });
      await page.goto(`file://${resolve(file)}`, { timeout: 300_000 });
      await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
      await page.evaluate(axe);
      const { passes, violations, incomplete } = await page.evaluate(() => axe.run());
      const texts = await page.evaluate(faint, LEAST_CONTRAST);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      // Of cells that lie outside what is scrolled axe cannot tell the contrast; wide, none does.
      const left = (rule) => ({ ...rule, nodes: rule.nodes.filter((node) => !node.html.startsWith('<text') && width > 400) });
      const open = incomplete.map(left).filter((rule) => rule.nodes.length > 0);
      console.log(`${file}, ${width} pixels, ${scheme}: ${passes.length} rules hold, ${violations.length} do not`);
      const rules = [...violations, ...open].map((rule) => `${rule.id}: ${rule.help}: ${rule.nodes.map((node) => node.target).slice(0, 5).join('; ')}`);
      const more = texts.map((text) => `too little contrast: ${text}`).concat(wider > 0 ? [`scrolls sideways by ${wider} pixels`] : []);
      rules.concat(more).forEach((line) => console.log(`  ${line}`));
      found += violations.length + more.length;
      await page.close();
    }
  }
}
await browser.close();
process.exit(found ? 1 : 0);
