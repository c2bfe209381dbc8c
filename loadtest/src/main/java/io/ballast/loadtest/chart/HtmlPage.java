package io.ballast.loadtest.chart;

/** What every page of ours begins and ends with; its style is within it, so it needs no network. */
public final class HtmlPage {
  private static final String STYLE =
      """
      :root{color-scheme:light dark;--ground:#fff;--ink:#1d2329;--quiet:#4b545e;--line:#e6e9ed;--grid:#eceff2;--code:#f6f8fa;--offer:#d7e9d9;--level:#b3261e}
      @media(prefers-color-scheme:dark){:root{--ground:#16191c;--ink:#e4e8eb;--quiet:#a9b3bc;--line:#3a4249;--grid:#2b3137;--code:#20252a;--offer:#264a33;--level:#f2958c}}
      body{font:15px/1.5 system-ui,sans-serif;max-width:1120px;margin:2em auto;padding:0 1em;color:var(--ink);background:var(--ground)}
      h1{font-size:1.6em} h2{font-size:1.2em;margin-top:2em;border-bottom:1px solid var(--line)}
      .wide{overflow-x:auto} table{border-collapse:collapse;margin:.8em 0} th,td{padding:.25em .8em;text-align:right;border-bottom:1px solid var(--line)}
      td{white-space:nowrap} th:first-child,td:first-child,.text{text-align:left} .plots{display:flex;flex-wrap:wrap;gap:12px}
      svg{border:1px solid var(--line);border-radius:4px;max-width:100%;height:auto} svg text{font:11px system-ui,sans-serif;fill:var(--quiet)}
      svg .title{font-weight:600;font-size:12px;fill:var(--ink)} svg .value{font-weight:600} .end{text-anchor:end} .middle{text-anchor:middle}
      .grid{stroke:var(--grid)} .level{stroke:var(--level);stroke-dasharray:5 4} .whisker{stroke:var(--ink);stroke-width:1.3}
      .line{fill:none;stroke-width:1.8} pre{background:var(--code);padding:.7em;overflow-x:auto} .offer{background:var(--offer)} .note{color:var(--quiet)}
      .lines{white-space:pre-line} li,p{overflow-wrap:anywhere} .texts td{white-space:normal;overflow-wrap:anywhere;min-width:7em} .texts td,.texts th{text-align:left;vertical-align:top}
      .key{list-style:none;padding:0} .key svg{border:0;vertical-align:middle;margin-right:.5em}
      @media print{:root{color-scheme:light;--ground:#fff;--ink:#000;--quiet:#333;--line:#bbb;--grid:#ddd;--code:#fff;--offer:#d7e9d9;--level:#b3261e}
      body{max-width:none;margin:0;font-size:10pt} h2{break-after:avoid} svg,tr{break-inside:avoid} .wide{overflow:visible} .plots svg{width:31%}}
      """;

  private HtmlPage() {}

  /** Begins a page, up to its body's first element. */
  public static Markup begin(String title) {
    Markup page = new Markup();
    page.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.leaf("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
    page.element("title", title).open("style").raw(STYLE).close("style");
    page.raw("</head><body>");
    return page;
  }

  /** Ends a page and returns it whole. */
  public static String end(Markup page) {
    page.raw("</body></html>\n");
    return page.toString();
  }
}
