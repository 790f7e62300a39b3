// What can't be seen, or turns the order of what can, is spelled out; joiners stay where the script needs them.
const UNSEEN = new RegExp([
  "(?![\\u200c\\u200d\\u0600-\\u0605\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u{110bd}\\u{110cd}])[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Cs}]",
  "[\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u3164\\uffa0\\u{e0100}-\\u{e01ef}]",
  "(?<![\\u0590-\\u{10ffff}])[\\u200c\\u200d]",
  "[\\u200c\\u200d](?![\\u0590-\\u{10ffff}])",
].join("|"), "gu");
const shown = (text) => String(text).replace(UNSEEN,
  (one) => `[U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
