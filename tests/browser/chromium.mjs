//! One Chromium for all tests of a file. Imported by each file of browser tests; must not know what they open.

import { after, before } from "node:test";
import { chromium } from "playwright-core";

/** The browser, from the first test of the file to the last. */
export let browser;

/** Has it begun before the first test, with further arguments where a file needs some. Each file says so once, at its top. */
export function withChromium(...further) {
  before(async () => {
    const executablePath = process.env.OUTBOARD_CHROMIUM ?? "/usr/bin/chromium";
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage", ...further] });
  });
  after(() => browser?.close());
}

/** A page at an address, which is closed with its test and keeps the errors that nobody caught. */
export async function open(t, address, options) {
  const page = await browser.newPage(options);
  t.after(() => page.close());
  page.errors = [];
  page.on("pageerror", (error) => page.errors.push(error.message));
  await page.goto(address);
  return page;
}
