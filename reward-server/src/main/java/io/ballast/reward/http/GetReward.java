package io.ballast.reward.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.scoring.Content;
import io.ballast.kit.call.Texts;
import io.ballast.reward.core.ScoreCommand;
import io.ballast.reward.core.ScoreItem;
import io.ballast.reward.grpc.ScoreCalls.Outcome;
import io.ballast.reward.grpc.ScoreCalls.Scored;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.DoubleStream;

/**
 * What OpenRLHF posts to a remote reward model: {@code query}, each prompt and completion in one
 * text, and in newer versions {@code prompts} and {@code labels}. It reads {@code rewards}; newer
 * versions also {@code scores}, which they filter by, and {@code extra_logs}, which they log.
 */
final class GetReward implements Dialect {
  private static final String PROMPTS = "prompts";
  private static final String LABELS = "labels";
  private static final Set<String> PARAMETERS = new TreeSet<>(Options.COMMON);

  static {
    PARAMETERS.addAll(Set.of(Options.MODEL, Options.TRUNCATION, Options.END, Options.LABEL));
  }

  @Override
  public String path() {
    return "/get_reward";
  }

  @Override
  public String texts() {
    return "query";
  }

  @Override
  public Set<String> parameters() {
    return PARAMETERS;
  }

  @Override
  public Set<String> fields(Options options) {
    return options.label().isEmpty() ? Set.of(texts(), PROMPTS) : Set.of(texts(), PROMPTS, LABELS);
  }

  @Override
  public ScoreCommand read(JsonBody body, Options options) {
    List<String> queries =
        body.texts(texts())
            .orElseThrow(() -> Texts.malformed(texts(), "absent (expected: a list of texts)"));
    Optional<List<String>> prompts = body.texts(PROMPTS);
    prompts.ifPresent(list -> requireOneEach(PROMPTS, list, queries));
    List<Map<String, String>> references = references(body, options, queries);
    List<ScoreItem> items = new ArrayList<>();
    for (int i = 0; i < queries.size(); i++) {
      String query = withoutEnd(queries.get(i), options.ends());
      String prompt = prompts.isPresent() ? prompts.get().get(i) : "";
      if (!query.startsWith(prompt)) {
        throw Texts.malformed(
            "query[%d]".formatted(i),
            "does not begin with prompts[%d]; where its completion begins cannot be told"
                .formatted(i));
      }
      items.add(
          new ScoreItem(
              "",
              "items[" + i + "]",
              new Content.Text(prompt),
              new Content.Text(query.substring(prompt.length())),
              references.get(i)));
    }
    return new ScoreCommand(
        options.behalf(),
        options.lane(),
        options.model(),
        options.aggregation(),
        options.truncation(),
        false,
        items);
  }

  @Override
  public ObjectNode write(Scored scored, List<Outcome.Value> rewards) {
    ObjectNode answer = JsonNodeFactory.instance.objectNode();
    answer.set("rewards", numbers(rewards.stream().mapToDouble(Outcome.Value::reward)));
    answer.set("scores", numbers(rewards.stream().mapToDouble(Outcome.Value::reward)));
    ObjectNode logs = answer.putObject("extra_logs");
    log(logs, "spread", rewards, Outcome.Value::spread);
    for (int k = 0; k < rewards.getFirst().members().size(); k++) {
      int member = k;
      log(logs, "member_" + k, rewards, each -> each.members().get(member));
    }
    for (String component : rewards.getFirst().components().keySet()) {
      log(logs, "component_" + component, rewards, each -> component(each, component));
    }
    log(logs, "prompt_dropped_tokens", rewards, each -> of(each.droppedPromptTokens()));
    log(logs, "from_cache", rewards, each -> of(each.fromCache() ? 1 : 0));
    return answer;
  }

  /** Adds a list that has a number for each reward, or none: a gap has no number. */
  private static void log(
      ObjectNode logs,
      String name,
      List<Outcome.Value> rewards,
      Function<Outcome.Value, OptionalDouble> number) {
    List<OptionalDouble> all = rewards.stream().map(number).toList();
    if (all.stream().allMatch(OptionalDouble::isPresent)) {
      logs.set(name, numbers(all.stream().mapToDouble(OptionalDouble::getAsDouble)));
    }
  }

  private static OptionalDouble of(int number) {
    return OptionalDouble.of(number);
  }

  private static OptionalDouble component(Outcome.Value reward, String name) {
    Double value = reward.components().get(name);
    return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
  }

  private static ArrayNode numbers(DoubleStream numbers) {
    ArrayNode list = JsonNodeFactory.instance.arrayNode();
    numbers.forEach(list::add);
    return list;
  }

  /** The labels, as the references that the address calls them; where it does not, none. */
  private static List<Map<String, String>> references(
      JsonBody body, Options options, List<String> queries) {
    if (options.label().isEmpty()) {
      return Collections.nCopies(queries.size(), Map.of());
    }
    List<Optional<String>> labels =
        body.textsOrNulls(LABELS)
            .orElseThrow(
                () ->
                    Texts.malformed(
                        LABELS, "absent (expected: a list of texts, as the address has a label)"));
    requireOneEach(LABELS, labels, queries);
    return labels.stream()
        .map(label -> label.map(text -> Map.of(options.label(), text)).orElse(Map.of()))
        .toList();
  }

  private static void requireOneEach(String field, List<?> list, List<String> queries) {
    if (list.size() != queries.size()) {
      throw Texts.malformed(
          field,
          "%,d (expected: as many as there are in query, %,d)"
              .formatted(list.size(), queries.size()));
    }
  }

  /** These clients decode special tokens too, so a completion that ended has its end in it. */
  private static String withoutEnd(String query, List<String> ends) {
    int length = query.length();
    int shorter = withoutOne(query, length, ends);
    while (shorter < length) {
      length = shorter;
      shorter = withoutOne(query, length, ends);
    }
    return query.substring(0, length);
  }

  /**
   * How long the first {@code length} characters are without one end; the same if none ends them.
   */
  private static int withoutOne(String query, int length, List<String> ends) {
    for (String end : ends) {
      if (query.startsWith(end, length - end.length())) {
        return length - end.length();
      }
    }
    return length;
  }
}
