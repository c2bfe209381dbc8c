package io.ballast.reward.component;

import java.util.List;
import java.util.OptionalDouble;

/**
 * What a composite's file says.
 *
 * @param parts its components in the order of the file, at least one
 * @param reward how their values become one
 * @param rewardJson the same as the file has it
 * @param preferenceScale what takes a difference of two rewards to log-odds, above 0
 */
public record Recipe(
    List<Part> parts, Expression reward, String rewardJson, OptionalDouble preferenceScale) {
  public Recipe {
    parts = List.copyOf(parts);
  }

  /**
   * The component of this name.
   *
   * @throws java.util.NoSuchElementException if there is none
   */
  public Component component(String name) {
    return parts.stream()
        .filter(part -> part.name().equals(name))
        .findFirst()
        .orElseThrow()
        .component();
  }
}
