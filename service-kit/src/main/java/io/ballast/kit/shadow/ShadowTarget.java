package io.ballast.kit.shadow;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The candidate that is asked in the shadow of what serves.
 *
 * @param share of the calls, above 0, at most 1
 */
public record ShadowTarget(String model, String version, double share) {
  private static final Pattern FORM = Pattern.compile("([^/@\\s]+)/([^/@\\s]+)@([0-9]*\\.?[0-9]+)");

  public ShadowTarget {
    if (!(share > 0 && share <= 1)) {
      throw new IllegalArgumentException(share + " (expected: a share above 0, at most 1)");
    }
  }

  /**
   * Reads {@code NAME/VERSION@SHARE}.
   *
   * @throws IllegalArgumentException if {@code text} is not of that form
   */
  public static ShadowTarget parse(String text) {
    Matcher parts = FORM.matcher(text);
    if (!parts.matches()) {
      throw new IllegalArgumentException(text + " (expected: NAME/VERSION@SHARE)");
    }
    return new ShadowTarget(parts.group(1), parts.group(2), Double.parseDouble(parts.group(3)));
  }

  /** As people write a version. */
  public String name() {
    return model + "/" + version;
  }
}
