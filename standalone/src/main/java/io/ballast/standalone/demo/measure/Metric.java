package io.ballast.standalone.demo.measure;

import java.util.Locale;

/** What a suggestion is worth, as one number for each; higher is better for the first two only. */
public enum Metric {
  /** Shown, and exactly the rest of the line. What was withheld is not accepted. */
  ACCEPTED_PERCENT("accepted", "%", 100),
  /** Characters that need not be typed; 0 unless accepted. */
  CHARACTERS_SAVED_PER_SUGGESTION("characters saved per suggestion", "", 1),
  /** Not shown: a stage of the gate withheld it, or there was no text. */
  WITHHELD_PERCENT("withheld", "%", 100),
  /** Shown, and the file no longer parses with it. What was withheld breaks nothing. */
  PARSE_BREAKING_PERCENT("parse-breaking", "%", 100);

  private final String title;
  private final String unit;
  private final double factor;

  Metric(String title, String unit, double factor) {
    this.title = title;
    this.unit = unit;
    this.factor = factor;
  }

  /** The name in JSON, such as {@code accepted_percent}. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The name for a person, with the unit. */
  public String title() {
    return unit.isEmpty() ? title : title + " " + unit;
  }

  /** The most that it can be: 100 for a percentage, none for characters. */
  public double most() {
    return factor == 100 ? 100 : Double.POSITIVE_INFINITY;
  }

  /** How many decimals a person wants to see. */
  public int decimals() {
    return factor == 100 ? 1 : 2;
  }

  /** Whether more of it is better for the programmer; empty of meaning for what is withheld. */
  public boolean higherIsBetter() {
    return switch (this) {
      case ACCEPTED_PERCENT, CHARACTERS_SAVED_PER_SUGGESTION -> true;
      case WITHHELD_PERCENT, PARSE_BREAKING_PERCENT -> false;
    };
  }

  /** Returns the number of {@code suggestion} in this metric's unit. */
  double of(Judged suggestion, View view) {
    boolean counts = suggestion.shown() || view == View.AS_WRITTEN;
    return switch (this) {
      case ACCEPTED_PERCENT -> counts && suggestion.right() ? factor : 0;
      case CHARACTERS_SAVED_PER_SUGGESTION ->
          counts ? factor * suggestion.judgement().charactersSaved() : 0;
      case WITHHELD_PERCENT -> suggestion.shown() ? 0 : factor;
      case PARSE_BREAKING_PERCENT -> counts && suggestion.breaks() ? factor : 0;
    };
  }
}
