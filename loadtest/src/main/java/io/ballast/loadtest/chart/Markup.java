package io.ballast.loadtest.chart;

import java.util.Locale;

/** Writes HTML and SVG; text and attribute values are escaped, always. */
public final class Markup {
  private final StringBuilder out = new StringBuilder();

  /**
   * Opens an element.
   *
   * @param attributes names and values in turn
   */
  public Markup open(String element, String... attributes) {
    tag(element, attributes);
    out.append('>');
    return this;
  }

  /** Writes an element without content. */
  public Markup leaf(String element, String... attributes) {
    tag(element, attributes);
    out.append("/>\n");
    return this;
  }

  /** Closes an element. */
  public Markup close(String element) {
    out.append("</").append(element).append(">\n");
    return this;
  }

  /** Writes text. */
  public Markup text(String text) {
    out.append(escape(text));
    return this;
  }

  /** Writes an element that holds text. */
  public Markup element(String element, String text, String... attributes) {
    return open(element, attributes).text(text).close(element);
  }

  /** Writes what another {@code Markup} wrote. */
  public Markup add(Markup other) {
    out.append(other.out);
    return this;
  }

  /** Writes {@code trusted} as it is: our own style sheet, nothing that came from outside. */
  public Markup raw(String trusted) {
    out.append(trusted);
    return this;
  }

  private void tag(String element, String... attributes) {
    out.append('<').append(element);
    for (int i = 0; i + 1 < attributes.length; i += 2) {
      out.append(' ').append(attributes[i]).append("=\"").append(escape(attributes[i + 1]));
      out.append('"');
    }
  }

  /** Returns a coordinate with one decimal. */
  public static String at(double coordinate) {
    return String.format(Locale.ROOT, "%.1f", coordinate);
  }

  /** Returns {@code text} with the five characters escaped that mean something in HTML. */
  public static String escape(String text) {
    StringBuilder escaped = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '&' -> escaped.append("&amp;");
        case '<' -> escaped.append("&lt;");
        case '>' -> escaped.append("&gt;");
        case '"' -> escaped.append("&quot;");
        case '\'' -> escaped.append("&#39;");
        default -> escaped.append(c);
      }
    }
    return escaped.toString();
  }

  @Override
  public String toString() {
    return out.toString();
  }
}
