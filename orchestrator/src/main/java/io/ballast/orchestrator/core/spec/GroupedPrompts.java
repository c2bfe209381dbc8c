package io.ballast.orchestrator.core.spec;

import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Prompts, with the group of each where they come in groups, such as several of one file.
 *
 * @param prompts in their order
 * @param groups one for each of the prompts; empty: they have none, and each is its own
 */
public record GroupedPrompts(List<String> prompts, List<String> groups) {
  /** Copies the lists. */
  public GroupedPrompts {
    prompts = List.copyOf(prompts);
    groups = List.copyOf(groups);
  }

  /** Prompts without groups. */
  public static GroupedPrompts alone(List<String> prompts) {
    return new GroupedPrompts(prompts, List.of());
  }

  /**
   * Prompts with a group of each.
   *
   * @param groups an empty text for each prompt that has none; if none has one they have no groups
   */
  public static GroupedPrompts of(List<String> prompts, List<String> groups) {
    return groups.stream().allMatch(String::isEmpty)
        ? alone(prompts)
        : new GroupedPrompts(prompts, groups);
  }

  /** How many prompts there are. */
  public int size() {
    return prompts.size();
  }

  /** How many groups there are; 0: prompts have none. */
  public int groupsCount() {
    return Set.copyOf(groups).size();
  }

  /**
   * Every {@code step}-th of them.
   *
   * @param first counts from 0
   */
  public GroupedPrompts every(int step, int first) {
    return new GroupedPrompts(every(prompts, step, first), every(groups, step, first));
  }

  private static List<String> every(List<String> all, int step, int first) {
    return IntStream.range(0, all.size())
        .filter(i -> i % step == first)
        .mapToObj(all::get)
        .toList();
  }
}
