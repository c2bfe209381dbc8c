package io.ballast.kit.redaction;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What is wrong with what should be JSON, in the parser's words as far as they quote nothing of it.
 * Of a key that is there twice they have the name, if it reads like one.
 */
public final class JsonFlaw {
  private static final Pattern TWICE =
      Pattern.compile("Duplicate [A-Za-z ]+ ['\"][A-Za-z0-9._+-]{1,40}['\"]");

  /** Which of its settings says so. */
  private static final Pattern SETTING = Pattern.compile(", from `[^`]*`");

  /** Where the parser begins to quote, or to speak of itself. */
  private static final Pattern QUOTATION =
      Pattern.compile(
          "\\s*(: enable |\\(start marker at|\\(bound as|:? ?\\(*['\"`]).*", Pattern.DOTALL);

  private JsonFlaw() {}

  /** Returns the words; where the flaw is they do not say. */
  public static String of(JsonProcessingException e) {
    String said = SETTING.matcher(String.valueOf(e.getOriginalMessage())).replaceAll("");
    Matcher twice = TWICE.matcher(said);
    return twice.matches() ? said : QUOTATION.matcher(said).replaceFirst("");
  }
}
