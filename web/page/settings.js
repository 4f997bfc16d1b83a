// What the user chose, kept on this device where the browser allows it.

const KEY = "mien";
const DEFAULTS = { language: null, theme: "auto", smooth: true, threshold: 0.5, boxes: true, labels: true, meter: false, resolution: "640x480" };

export const settings = { ...DEFAULTS, ...read() };

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {}; // private windows may have no storage
  }
}

export function keep(changes) {
  Object.assign(settings, changes);
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // then it lasts as long as the page
  }
}
