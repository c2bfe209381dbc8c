package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Gates are made of decisions, shown, judged and watched. Here hardly anything is kept behind a
 * {@code throw} or by people who kept nothing lately, and elsewhere what the policy finds likely.
 */
class GateCommandsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path home;

  @Test
  void aGateIsMadeOfDecisionsAndKeepsItsPromise() throws IOException {
    Path log = write(200, 15, each -> {});

    Cli.Result trained =
        mesh(
            "gate",
            "train",
            "--name",
            "our",
            "--from",
            log.toString(),
            "--json",
            "--target-accuracy",
            "0.85");

    assertThat(trained.err()).isEmpty();
    assertThat(trained.exit()).isZero();
    JsonNode facts = trained.json();
    assertThat(facts.path("published").toString())
        .isEqualTo("[\"our-context/1\",\"our-suggestion/1\"]");
    assertThat(facts.path("guarantee").path("target_accuracy").asDouble()).isEqualTo(0.85);
    assertThat(facts.path("guarantee").path("unit").asText()).isEqualTo("group");
    assertThat(facts.path("lines").asText()).isEqualTo("proven");
    double one = facts.path("stages").path("context").path("auc").asDouble();
    double two = facts.path("stages").path("suggestion").path("auc").asDouble();
    assertThat(one).isBetween(0.6, two);
    assertThat(two).isGreaterThan(0.85);
    JsonNode measured = facts.path("measured");
    assertThat(measured.path("hidden").asInt()).isGreaterThan(50);
    assertThat(1 - measured.path("accepted").asDouble() / measured.path("hidden").asInt())
        .isGreaterThan(0.85);
    Path folder = home.resolve(".ballast/models/our-suggestion/1");
    assertThat(folder.resolve("MODEL_CARD.md"))
        .content()
        .contains("Proven: of what is hidden from a user, on average over users such as the ")
        .contains("at least 85 % would have been rejected")
        .contains("![reliability](reliability.svg)")
        .contains("Make it again: `./mesh gate train --name our/1 --from decisions.jsonl");
    assertThat(folder.resolve("reliability.svg")).content().startsWith("<svg ");

    JsonNode shown = mesh("gate", "show", "our", "--json").json();
    assertThat(shown.path("paired").asBoolean()).isTrue();
    assertThat(shown.path("guarantee")).isEqualTo(facts.path("guarantee"));
    assertThat(shown.path("context").path("feature_version").asInt()).isEqualTo(2);
    assertThat(mesh("gate", "show", "our").out())
        .contains("proven: of what is hidden from a user, on average over users");

    // of the log that made it, only users who measured it are left
    JsonNode same = mesh("gate", "evaluate", "our", "--from", log.toString(), "--json").json();
    assertThat(same.path("left_out").asInt()).isEqualTo(170 * 15);
    assertThat(same.path("decisions").asInt()).isEqualTo(30 * 15);

    // in the log of others everything was shown, so that what the gate would do is simply counted
    Path others = write(60, 50, each -> each.put("tenant", "others"));
    JsonNode judged = mesh("gate", "evaluate", "our", "--from", others.toString(), "--json").json();
    assertThat(judged.path("decisions").asInt()).isEqualTo(60 * 50);
    assertThat(judged.path("left_out").asInt()).isZero();
    double all = judged.path("kept_of_all").path("estimate").asDouble();
    assertThat(judged.path("kept_of_all_doubly_robust").path("estimate").asDouble())
        .isCloseTo(all, within(0.02));
    double share = judged.path("shown_share").path("estimate").asDouble();
    assertThat(share).isBetween(0.2, 0.9);
    assertThat(judged.path("kept_of_shown").path("estimate").asDouble())
        .isCloseTo(all / share, within(1e-6));
    assertThat(judged.path("rejected_of_hidden").path("estimate").asDouble()).isGreaterThan(0.88);

    log = write(200, 15, each -> {});
    assertThat(mesh("gate", "train", "--name", "our/1", "--from", log.toString()).exit())
        .isEqualTo(4);
  }

  @Test
  void ofFewUsersLinesAreMeasuredAndNothingIsPromised() throws IOException {
    Path log = write(24, 120, each -> {});
    String[] train = {"gate", "train", "--from", log.toString(), "--target-accuracy", "0.9"};

    Cli.Result measured = mesh(with(train, "--name", "few"));

    assertThat(measured.out())
        .contains("Measured, not proven: 4 users decided, and fewer than 29 prove nothing");
    assertThat(mesh("gate", "show", "few").out())
        .contains("measured, not proven: nothing is promised of what these lines hide");
    assertThat(mesh("gate", "show", "few", "--json").json().path("proven").asBoolean(true))
        .isFalse();
    // whoever knows that decisions are independent says so, and the card does
    Cli.Result declared = mesh(with(train, "--name", "bold", "--independent", "decisions"));
    assertThat(declared.out())
        .contains("Proven if decisions are independent, as was declared when it was made");
    assertThat(
            mesh("gate", "show", "bold", "--json").json().path("guarantee").path("unit").asText())
        .isEqualTo("decision");
  }

  private static String[] with(String[] args, String... more) {
    return Stream.concat(Arrays.stream(args), Arrays.stream(more)).toArray(String[]::new);
  }

  @Test
  void theSameDecisionsAndSeedMakeTheSameGate() throws IOException {
    Path log = write(12, 60, each -> {});
    for (String name : List.of("one", "two")) {
      assertThat(mesh("gate", "train", "--name", name, "--from", log.toString()).exit()).isZero();
    }
    for (String file : List.of("trees.ubj", "gate.json")) {
      for (String stage : List.of("context", "suggestion")) {
        assertThat(Files.readAllBytes(home.resolve(".ballast/models/one-" + stage + "/1/" + file)))
            .isEqualTo(
                Files.readAllBytes(home.resolve(".ballast/models/two-" + stage + "/1/" + file)));
      }
    }
  }

  @Test
  void wherePromisesCannotBeKeptEverythingIsShown() throws IOException {
    Path log = write(8, 40, each -> {});

    Cli.Result trained =
        mesh(
            "gate",
            "train",
            "--name",
            "shy",
            "--from",
            log.toString(),
            "--target-accuracy",
            "0.999");

    assertThat(trained.exit()).isZero();
    assertThat(trained.out()).contains("**Everything is shown;** collect decisions of more users");
    assertThat(mesh("gate", "show", "shy").out())
        .contains("nothing was proven of any lines: everything is shown");
    Path others = write(8, 40, each -> each.put("tenant", "others"));
    JsonNode judged = mesh("gate", "evaluate", "shy", "--from", others.toString(), "--json").json();
    assertThat(judged.path("shown_share").path("estimate").asDouble()).isEqualTo(1);
    assertThat(judged.path("rejected_of_hidden").has("estimate")).isFalse();
  }

  @Test
  void aLogThatSaysTooLittleIsRefusedWithWhatItLacks() throws IOException {
    refuses(
        write(8, 5, each -> {}),
        "40 of 40 decisions were shown and answered (expected: at least 100)");
    refuses(write(1, 200, each -> {}), "1 user (expected: at least 4, since a gate is measured");
    refuses(
        write(8, 40, each -> each.put("outcome", "rejected")),
        "decisions: 0 of 320 kept (expected: some, not all)");
    refuses(
        write(8, 40, each -> each.put("shown", false).put("propensity", 0.5)),
        "0 of 320 decisions were shown and answered (expected: at least 100)");
    refuses(
        write(8, 40, each -> each.put("shown", false)),
        "line 1: propensity: none (expected: one, of what a gate decided or nobody saw)");
    refuses(
        write(8, 40, each -> withheld(each)),
        "160 of 320 decisions (50.0 %) were withheld by a gate that could not have shown them, and"
            + " nobody knows what would have come of them (expected: a gate that explores, or"
            + " decisions of SHADOW mode)");
    refuses(
        write(8, 40, each -> each.put("outcome", "loved")),
        "line 1: outcome: \"loved\" (expected: accepted, edited, rejected or none)");
    refuses(
        write(8, 40, each -> each.put("propensity", 0)),
        "line 1: propensity: 0.0 (expected: above 0, at most 1)");
    Cli.Result absent = mesh("gate", "train", "--name", "x", "--from", "nowhere.jsonl");
    assertThat(absent.exit()).isEqualTo(2);
    assertThat(mesh("gate", "train", "--name", "x", "--alpha", "2").err())
        .contains("alpha: 2.0 (expected: above 0, below 1)");
    assertThat(mesh("gate").exit()).isEqualTo(2);
  }

  /** Every second is withheld by a gate that explores nothing. */
  private static void withheld(ObjectNode decision) {
    boolean shown = decision.path("decision_time").asText().contains("-03-");
    decision.put("shown", shown).put("propensity", 1).put("enforced", true);
  }

  @Test
  void aGateThatDoesNotSayWhatMadeItIsJudgedByLaterDecisionsAlone() throws IOException {
    Path log = write(8, 40, each -> {});
    assertThat(mesh("gate", "train", "--name", "our", "--from", log.toString()).exit()).isZero();
    for (String stage : List.of("context", "suggestion")) {
      Path folder = home.resolve(".ballast/models/our-" + stage + "/1");
      Files.delete(folder.resolve("trained_on.json"));
      Path manifest = folder.resolve("ballast.json");
      Files.writeString(
          manifest,
          Files.readString(manifest).replaceAll("\\s*\"trained_on.json\" : \"[0-9a-f]*\",", ""));
    }

    Cli.Result unknown = mesh("gate", "evaluate", "our", "--from", log.toString());
    assertThat(unknown.exit()).isEqualTo(2);
    assertThat(unknown.err()).contains("--since: none (expected: a time after the decisions that");
    JsonNode later =
        mesh(
                "gate",
                "evaluate",
                "our",
                "--from",
                log.toString(),
                "--since",
                "2026-04-01T00:00:00Z",
                "--json")
            .json();
    assertThat(later.path("decisions").asInt()).isEqualTo(8 * 20);

    Path timeless = write(8, 40, each -> each.remove("decision_time"));
    Cli.Result refused =
        mesh(
            "gate",
            "evaluate",
            "our",
            "--from",
            timeless.toString(),
            "--since",
            "2026-04-01T00:00:00Z");
    assertThat(refused.err())
        .contains("320 of 320 decisions have no decision_time (expected: all, for --since)");
  }

  @Test
  void aGateWhoseWordsNoLongerComeTrueAlarms() throws IOException {
    Path true1 = write(60, 20, each -> said(each, 0));
    assertThat(mesh("gate", "drift", "--from", true1.toString()).exit()).isZero();
    Path changed =
        write(
            60,
            20,
            each -> said(each, each.path("decision_time").asText().contains("-03-") ? 0 : 0.3));

    Cli.Result drifted = mesh("gate", "drift", "--from", changed.toString(), "--json");

    assertThat(drifted.exit()).isEqualTo(4);
    List<String> weeks = new ArrayList<>();
    for (JsonNode week : drifted.json().path("weeks")) {
      if (week.path("alarm").asBoolean()) {
        weeks.add(week.path("week").asText());
      }
    }
    assertThat(weeks).containsExactly("2026-W15");
    Path few = write(2, 400, each -> said(each, 0.3));
    Cli.Result silent = mesh("gate", "drift", "--from", few.toString());
    assertThat(silent.exit()).isZero();
    assertThat(silent.out()).contains("too few users to tell");
    assertThat(mesh("gate", "drift", "--from", write(8, 10, each -> {}).toString()).err())
        .contains("no decision that a gate had a say in");
  }

  /** What the outcome was drawn with, and more. */
  private static void said(ObjectNode decision, double more) {
    decision.put("stage_two", Math.min(0.99, decision.path("truth").asDouble() + more));
  }

  private void refuses(Path log, String message) {
    Cli.Result refused = mesh("gate", "train", "--name", "x", "--from", log.toString());
    assertThat(refused.err()).contains("decisions.jsonl: " + message);
    assertThat(refused.exit()).isEqualTo(1);
  }

  private Cli.Result mesh(String... args) {
    return Cli.run(home, Map.of("BALLAST_DATA", home.resolve(".ballast").toString()), args);
  }

  private Path write(int users, int each, Consumer<ObjectNode> change) throws IOException {
    SplittableRandom random = new SplittableRandom(7);
    List<String> lines = new ArrayList<>();
    for (int user = 0; user < users; user++) {
      for (int i = 0; i < each; i++) {
        ObjectNode decision = decision(random, user, i);
        change.accept(decision);
        decision.remove("truth");
        lines.add(JSON.writeValueAsString(decision));
      }
    }
    Path file = home.resolve("decisions.jsonl");
    Files.write(file, lines);
    return file;
  }

  private static ObjectNode decision(SplittableRandom random, int user, int index) {
    boolean hopeless = random.nextInt(3) == 0;
    boolean likely = random.nextBoolean();
    int accepted = random.nextInt(21);
    double p = hopeless ? 0.02 : likely ? 0.5 + 0.4 * accepted / 20 : 0.04;
    ObjectNode decision =
        JSON.createObjectNode()
            .put("user", "u" + user)
            .put(
                "prompt",
                "class A%d {\n  void f%d() {\n    %s "
                    .formatted(user, index, hopeless ? "throw" : "int x ="))
            .put("suggestion", likely ? "foo(bar);" : "new Unlikely(")
            .put("stop_reason", "stop_string")
            .put("outcome", random.nextDouble() < p ? "accepted" : "rejected")
            .put(
                "decision_time",
                "2026-%s-%02dT10:00:00Z".formatted(index % 2 == 0 ? "03" : "04", 6))
            .put("truth", p);
    decision.putArray("log_probs").add(likely ? -0.1 : -3).add(likely ? -0.2 : -4);
    ObjectNode history =
        decision.putObject("history").put("accepted", accepted).put("answered", 20);
    history
        .putArray("outcomes")
        .addObject()
        .put("kind", accepted > 10 ? "accepted" : "rejected")
        .put("age_seconds", 30);
    return decision;
  }
}
