package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.rl.algorithm.Algorithm;
import io.ballast.rl.algorithm.Knob;
import io.ballast.rl.algorithm.Knobs;
import io.ballast.rl.algorithm.Part;
import io.ballast.rl.algorithm.Recipe;
import io.ballast.rl.algorithm.RewardKl;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Lists what a run can learn by. */
@Command(
    name = "algorithms",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Lists the algorithms that a run can learn by, with paper, equation, knobs and defaults;"
            + " with a NAME one of them. --evaluate computes what they make of given numbers.")
final class AlgorithmsCommand implements Callable<Integer> {
  @Parameters(
      paramLabel = "NAME",
      arity = "0..1",
      description = "One algorithm, in any case: ${COMPLETION-CANDIDATES}.")
  private @Nullable Algorithm name;

  @Option(
      names = "--max-new-tokens",
      defaultValue = "12",
      paramLabel = "N",
      description = "The run's rollout.max_new_tokens, on which some defaults depend.")
  private int responseTokens = 12;

  @Option(
      names = "--markdown",
      description = "Print the page docs/algorithms.md, with what goes with what.")
  private boolean markdown;

  @Option(
      names = "--evaluate",
      paramLabel = "FILE",
      description = {
        "Compute advantages, loss and gradient of the cases in FILE, a JSON object a line:"
            + " {\"recipe\": {keys of a spec}, \"max_new_tokens\": N, \"groups\": [[{\"role\","
            + " \"per_token\": {name: [numbers]}, \"per_completion\": {name: number}}]]}.",
        "Prints a line for each. Exit code 1: one of them could not be computed, and says why."
      })
  private @Nullable Path cases;

  @Mixin private Printing printing = new Printing();

  @Override
  public Integer call() {
    if (cases != null) {
      return LossCases.evaluate(InputFile.require(cases), printing.out()).code();
    }
    if (markdown) {
      printing.out().print(AlgorithmsPage.text());
      printing.out().flush();
      return Exit.OK.code();
    }
    if (name != null) {
      show(name);
      printing.document(tree(name));
      return Exit.OK.code();
    }
    TextTable table = TextTable.headed("algorithm", "learns by", "paper");
    ArrayNode all = JsonNodeFactory.instance.arrayNode();
    for (Algorithm algorithm : Algorithm.values()) {
      table.row(algorithm.name(), words(algorithm.recipe(responseTokens)), algorithm.paper());
      all.add(tree(algorithm));
    }
    printing.table(table);
    printing.document(all);
    return Exit.OK.code();
  }

  /** A recipe in a line: its advantage, its selector if it has one, and its loss. */
  static String words(Recipe recipe) {
    return recipe.parts().stream()
        .filter(AlgorithmsCommand::saysSomething)
        .map(Part::name)
        .collect(Collectors.joining(" · "));
  }

  /** Whether a part is more than the absence of one. */
  static boolean saysSomething(Part part) {
    return !part.facts().formula().equals("–") && !part.facts().formula().equals("all");
  }

  private void show(Algorithm algorithm) {
    Recipe recipe = algorithm.recipe(responseTokens);
    printing.line(algorithm + ": " + algorithm.paper());
    TextTable table = TextTable.plain();
    for (Part part : recipe.parts()) {
      if (saysSomething(part)) {
        table.row(
            part.stage().name().toLowerCase(Locale.ROOT),
            part.name(),
            part.facts().formula(),
            part.facts().source());
      }
    }
    table.row("aggregation", aggregation(recipe));
    table.row("KL", kl(recipe));
    printing.table(table);
    TextTable knobs = TextTable.headed("knob", "default", "range", "");
    knobs(recipe)
        .values()
        .forEach(
            (knob, value) -> knobs.row(knob.key(), number(value), knob.expected(), knob.meaning()));
    if (!knobs.isEmpty()) {
      printing.line("");
      printing.table(knobs);
    }
  }

  /** The knobs of all parts of {@code recipe} with their values. */
  static Knobs knobs(Recipe recipe) {
    return recipe.loss().knobs().over(recipe.knobs());
  }

  /** How token terms become one loss. */
  static String aggregation(Recipe recipe) {
    return recipe.loss().kind().aggregates()
        ? recipe.loss().aggregation().mode().name()
        : "of whole completions";
  }

  /** Where the KL to the reference enters. */
  static String kl(Recipe recipe) {
    RewardKl kl = recipe.rewardKl();
    if (kl.coefficient() > 0) {
      return "%s in the reward of each token, %s"
          .formatted(number(kl.coefficient()), kl.estimator().name().toLowerCase(Locale.ROOT));
    }
    return recipe.loss().klCoefficient() > 0
        ? number(recipe.loss().klCoefficient()) + " in the loss, " + recipe.loss().klEstimator()
        : "none";
  }

  /** A number as a spec would write it. */
  static String number(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e9
        ? Long.toString((long) value)
        : Double.toString(value).replace(".0E", "e").replace("E", "e");
  }

  private ObjectNode tree(Algorithm algorithm) {
    Recipe recipe = algorithm.recipe(responseTokens);
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("name", algorithm.name()).put("paper", algorithm.paper());
    ArrayNode parts = json.putArray("parts");
    for (Part part : recipe.parts()) {
      parts
          .addObject()
          .put("stage", part.stage().name())
          .put("name", part.name())
          .put("formula", part.facts().formula())
          .put("source", part.facts().source());
    }
    json.put("aggregation", recipe.loss().aggregation().mode().name());
    json.put("reward_kl_coefficient", recipe.rewardKl().coefficient());
    json.put("loss_kl_coefficient", recipe.loss().klCoefficient());
    ObjectNode knobs = json.putObject("knobs");
    for (var entry : knobs(recipe).values().entrySet()) {
      Knob knob = entry.getKey();
      knobs
          .putObject(knob.key())
          .put("default", entry.getValue())
          .put("range", knob.expected())
          .put("meaning", knob.meaning());
    }
    return json;
  }
}
