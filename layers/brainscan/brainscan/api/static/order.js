// The order of a list: its pages, and what follows an item in the list that a reader came from.

import { getJson } from "./api.js";
import { KINDS } from "./rows.js";
import { backToList, saveState, savedState } from "./router.js";

const PAGE = 50;
const MOST_EMPTY = 5; // pages in a row: each has looked at a thousand items, which takes a while

// What a list shows after a cursor; no item and a cursor where a longer search has found none so far.
export async function nextPage(kind, wanted, cursor) {
  let page = { items: [], cursor };
  for (let asked = 0; asked < MOST_EMPTY && !page.items.length && (page.cursor || !asked); asked += 1)
    page = await getJson(kind, { ...wanted, limit: PAGE, cursor: page.cursor });
  return page;
}

// The address that follows another in the list that a reader came from, also on a page not shown yet; null behind its end.
export async function nextInList(address) {
  const list = backToList();
  const { order = [], kind, wanted, cursor } = savedState(list);
  const place = order.indexOf(address);
  if (place < 0) return null;
  if (place + 1 < order.length || !cursor) return order[place + 1] ?? null;
  const page = await nextPage(kind, wanted, cursor);
  const longer = [...order, ...page.items.map(KINDS[kind].address)];
  saveState({ order: longer, shown: longer.length, cursor: page.cursor }, list);
  return longer[place + 1] ?? null;
}
