package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.safety.v1.CostRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** suggest, score, cost and feedback say what the mesh said, and end as it decided. */
class ServingCommandsTest {
  private final FakeMesh mesh = new FakeMesh();

  @AfterEach
  void close() {
    mesh.close();
  }

  @Test
  void aSuggestionIsShownWithItsReasons() {
    Cli.Result result = Cli.run(mesh, "suggest", "for (int i = 0; i < ");

    assertThat(result.exit()).isZero();
    assertThat(result.err()).isEmpty();
    assertThat(result.out())
        .contains("for (int i = 0; i < ▏n; i++) {")
        .contains("show: likely accepted")
        .contains("with probability 0.41; shown from 0.30 on; propensity 0.95")
        .contains("+0.520, members' spread 0.210 (java-reward/1)")
        .contains("0.110 probability of harm; blocked from 0.50 on (java-cost/1)")
        .contains("java-tiny/1, seed 7")
        .contains("6 tokens, stop string")
        .contains("41 ms")
        .contains(FakeMesh.SUGGESTION_ID);
  }

  @Test
  void whatIsAskedForReachesTheMesh() {
    Cli.run(
        mesh,
        "suggest",
        "x",
        "--candidates=4",
        "--gate=shadow",
        "--temperature=0.5",
        "--top-k=20",
        "--top-p=0.9",
        "--max-tokens=12",
        "--stop=;",
        "--seed=9",
        "--user=ada",
        "--tenant=blue",
        "--model=m",
        "--version-id=3");

    SuggestRequest asked = mesh.asked(SuggestRequest.class);
    assertThat(asked.getPrompt()).isEqualTo("x");
    assertThat(asked.getCandidatesCount()).isEqualTo(4);
    assertThat(asked.getGateMode()).isEqualTo(GateMode.GATE_MODE_SHADOW);
    assertThat(asked.getWithReward()).isTrue();
    assertThat(asked.getWithCost()).isTrue();
    assertThat(asked.getSampling().getTemperature()).isEqualTo(0.5);
    assertThat(asked.getSampling().getTopK()).isEqualTo(20);
    assertThat(asked.getSampling().getTopP()).isEqualTo(0.9);
    assertThat(asked.getSampling().getMaxNewTokens()).isEqualTo(12);
    assertThat(asked.getSampling().getStopStringsList()).containsExactly(";");
    assertThat(asked.getSampling().getSeed()).isEqualTo(9);
    assertThat(asked.getUser()).isEqualTo("ada");
    assertThat(asked.getMetadata().getTenant()).isEqualTo("blue");
    assertThat(asked.getPolicy().getModel()).isEqualTo("m");
    assertThat(asked.getPolicy().getVersion()).isEqualTo("3");
  }

  @Test
  void furtherSamplingOptionsReachTheMesh(@TempDir Path folder) throws IOException {
    Cli.run(
        mesh,
        "suggest",
        "x",
        "--min-p=0.05",
        "--repetition-penalty=1.2",
        "--presence-penalty=-0.5",
        "--frequency-penalty=0.25",
        "--min-tokens=3",
        "--regex=[a-z]+");
    SamplingOptions asked = mesh.asked(SuggestRequest.class).getSampling();
    assertThat(asked.getMinP()).isEqualTo(0.05);
    assertThat(asked.getRepetitionPenalty()).isEqualTo(1.2);
    assertThat(asked.getPresencePenalty()).isEqualTo(-0.5);
    assertThat(asked.getFrequencyPenalty()).isEqualTo(0.25);
    assertThat(asked.getMinNewTokens()).isEqualTo(3);
    assertThat(asked.getRegex()).isEqualTo("[a-z]+");

    Path schema = Files.writeString(folder.resolve("schema.json"), "{\"type\": \"null\"}");
    mesh.requests.clear();
    Cli.run(mesh, "suggest", "x", "--json-schema=" + schema);
    assertThat(mesh.asked(SuggestRequest.class).getSampling().getJsonSchema())
        .isEqualTo("{\"type\": \"null\"}");
    Cli.Result both = Cli.run(mesh, "suggest", "x", "--regex=a", "--json-schema=" + schema);
    assertThat(both.exit()).isEqualTo(2);
    assertThat(both.err()).contains("--regex and --json-schema exclude each other");
  }

  @Test
  void whatIsNotAskedForIsLeftToTheServer() {
    Cli.run(mesh, "suggest", "x", "--no-judge");

    SuggestRequest asked = mesh.asked(SuggestRequest.class);
    assertThat(asked.getWithReward()).isFalse();
    assertThat(asked.getWithCost()).isFalse();
    assertThat(asked.hasCandidatesCount()).isFalse();
    assertThat(asked.getSampling().hasTemperature()).isFalse();
    assertThat(asked.getSampling().hasSeed()).isFalse();
    assertThat(asked.getSampling().getStopStringsList()).isEmpty();
  }

  @Test
  void aBlockedSuggestionShowsNoTextAndEndsWithFour() {
    mesh.decision = Decision.DECISION_BLOCK;

    Cli.Result result = Cli.run(mesh, "suggest", "x");

    assertThat(result.exit()).isEqualTo(4);
    assertThat(result.out()).contains("block: cost over threshold").doesNotContain("▏");
  }

  @Test
  void jsonIsTheAnswerWithTheNamesOfItsProto() {
    JsonNode answer = Cli.run(mesh, "suggest", "x", "--json").json();

    assertThat(answer.path("suggestion_id").asText()).isEqualTo(FakeMesh.SUGGESTION_ID);
    assertThat(answer.path("decision").asText()).isEqualTo("DECISION_SHOW");
    assertThat(answer.path("reward").path("value").asDouble()).isEqualTo(0.52);
    assertThat(answer.path("policy_version").path("model").asText()).isEqualTo("java-tiny");
  }

  @Test
  void aStreamedSuggestionEndsWithTheSameAnswer() {
    Cli.Result result = Cli.run(mesh, "suggest", "x", "--stream");

    assertThat(result.exit()).isZero();
    assertThat(result.out()).startsWith("n; i++) {").contains("show: likely accepted");
    assertThat(Cli.run(mesh, "suggest", "x", "--stream", "--json").json().path("seed").asLong())
        .isEqualTo(7);
  }

  @Test
  void aStreamedTextThatIsBlockedIsSaidToBeTakenBack() {
    mesh.decision = Decision.DECISION_BLOCK;

    Cli.Result result = Cli.run(mesh, "suggest", "x", "--stream");

    assertThat(result.exit()).isEqualTo(4);
    assertThat(result.out())
        .startsWith("n; i++) {" + System.lineSeparator() + "The text above is taken back")
        .contains("block: cost over threshold");
    assertThat(Cli.run(mesh, "suggest", "x", "--stream", "--json").json().path("decision").asText())
        .isEqualTo("DECISION_BLOCK");

    mesh.decision = Decision.DECISION_SHOW;
    assertThat(Cli.run(mesh, "suggest", "x", "--stream").out()).doesNotContain("taken back");
  }

  @Test
  void aFileUpToALineIsAPrompt(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("with space.java");
    Files.writeString(file, "class A {\n  int n = \n}\n");

    Cli.run(mesh, "suggest", "--file", file.toString(), "--line", "2");

    assertThat(mesh.asked(SuggestRequest.class).getPrompt()).isEqualTo("class A {\n  int n = ");
  }

  @Test
  void aLineOutsideTheFileIsNamedWithWhatIsAllowed(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("a.java"), "one\ntwo\n");

    Cli.Result result = Cli.run(mesh, "suggest", "--file", file.toString(), "--line", "9");

    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.err()).startsWith("mesh: --line: 9 (allowed: 1 to 2, the lines of ");
  }

  @Test
  void aFileThatIsNotThereIsNamed() {
    Cli.Result result = Cli.run(mesh, "suggest", "--file", "nowhere.java");

    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.err()).isEqualToIgnoringNewLines("mesh: nowhere.java: there is no such file");
  }

  @Test
  void scoresAreARowForEachCompletion() {
    Cli.Result result =
        Cli.run(mesh, "score", "--prompt", "int n = ", "--aggregation", "uwo", "4;", "five\n;");

    assertThat(result.exit()).isZero();
    assertThat(result.out().lines())
        .containsExactly(
            "reward  spread  completion  members",
            "-1.250   0.500  4;          -1.250 +0.750",
            "-1.250   0.500  five⏎;      -1.250 +0.750",
            "",
            "WCO over java-reward/1");
    ScoreRequest asked = mesh.asked(ScoreRequest.class);
    assertThat(asked.getItems(0).getPrompt().getText()).isEqualTo("int n = ");
    assertThat(asked.getItems(1).getCompletion().getText()).isEqualTo("five\n;");
    assertThat(asked.getAggregation().getMethod())
        .isEqualTo(AggregationMethod.AGGREGATION_METHOD_UWO);
  }

  @Test
  void aCompositeIsShownWithItsComponents(@TempDir Path folder) throws IOException {
    Path tests = Files.writeString(folder.resolve("T.java"), "class T {}");
    Cli.Result result =
        Cli.run(
            mesh,
            "score",
            "--model",
            "java-mix",
            "--reference",
            "answer=42",
            "--reference",
            "tests=@" + tests,
            "It is 42.");

    assertThat(result.err()).isEmpty();
    assertThat(result.out().lines())
        .containsExactly(
            "reward  spread  completion  members",
            "+1.500       –  It is 42.         –",
            "",
            "completion  component   value  weight   ms  why",
            "It is 42.   taste      -0.500  +1.000  1.5  members -0.500",
            "It is 42.   answer     +1.000  +2.000  0.0  equal",
            "",
            "composite java-mix/1");
    assertThat(mesh.asked(ScoreRequest.class).getItems(0).getReferencesMap())
        .isEqualTo(Map.of("answer", "42", "tests", "class T {}"));
    assertThat(Cli.run(mesh, "score", "--reference", "tests=@nowhere", "x").err())
        .contains("--reference tests=@nowhere: cannot be read");
  }

  @ParameterizedTest
  @EnumSource(AggregationOptions.Method.class)
  void everyAggregationIsAskedForByItsName(AggregationOptions.Method method) {
    Cli.Result result =
        Cli.run(mesh, "score", "--aggregation", method.name(), "--quantile", "0.1", "4;");

    assertThat(result.exit()).isZero();
    Aggregation asked = mesh.asked(ScoreRequest.class).getAggregation();
    assertThat(asked.getMethod().name()).isEqualTo("AGGREGATION_METHOD_" + method.name());
    assertThat(asked.getQuantile()).isEqualTo(0.1);
    assertThat(AggregationOptions.text(asked)).isEqualTo(method.name() + " (quantile 0.1)");
  }

  @Test
  void aCompletionWithoutAValueSaysWhyAndTheCommandFails() {
    Cli.Result result = Cli.run(mesh, "score", "4;", "");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.out()).contains("-1.250").contains("items[1].completion: empty");
  }

  @Test
  void aHarmfulCompletionIsBlockedAndTheCommandEndsWithFour() {
    Cli.Result result = Cli.run(mesh, "cost", "--threshold", "0.4", "4;", "(((");

    assertThat(result.exit()).isEqualTo(4);
    assertThat(result.out()).contains("allow").contains("block").contains("0.820");
    assertThat(mesh.asked(CostRequest.class).getThreshold()).isEqualTo(0.4);
    assertThat(Cli.run(mesh, "cost", "4;").exit()).isZero();
  }

  @Test
  void feedbackCarriesAKeyOfItsOwn() {
    Cli.Result result =
        Cli.run(mesh, "feedback", FakeMesh.SUGGESTION_ID, "--edited", "5", "--final-text", "n;");

    assertThat(result.exit()).isZero();
    assertThat(result.out()).isEqualToIgnoringNewLines("recorded: event-1");
    RecordFeedbackRequest asked = mesh.asked(RecordFeedbackRequest.class);
    assertThat(asked.getMetadata().getIdempotencyKey()).isEqualTo("key-1");
    assertThat(asked.getEvent().getSuggestionId()).isEqualTo(FakeMesh.SUGGESTION_ID);
    assertThat(asked.getEvent().getEdited().getKeptCharacters()).isEqualTo(5);
    assertThat(asked.getEvent().getEdited().getFinalText()).isEqualTo("n;");
  }

  @Test
  void eachKindOfFeedbackReachesTheMesh() {
    String[][] kinds = {
      {"--accepted", "--saved", "9"},
      {"--rejected"},
      {"--like"},
      {"--dislike"},
      {"--follow-up", "why?"},
      {"--rating", "4", "--scale", "1,10"}
    };
    for (String[] kind : kinds) {
      String[] args = new String[kind.length + 4];
      args[0] = "feedback";
      args[1] = FakeMesh.SUGGESTION_ID;
      args[2] = "--key";
      args[3] = "mine";
      System.arraycopy(kind, 0, args, 4, kind.length);
      assertThat(Cli.run(mesh, args).exit()).as(kind[0]).isZero();
    }

    assertThat(mesh.requests)
        .map(RecordFeedbackRequest.class::cast)
        .allMatch(asked -> asked.getMetadata().getIdempotencyKey().equals("mine"))
        .map(asked -> asked.getEvent().getEventCase().name())
        .containsExactly("ACCEPTED", "REJECTED", "REACTION", "REACTION", "FOLLOW_UP", "RATING");
    RecordFeedbackRequest rating = (RecordFeedbackRequest) mesh.requests.getLast();
    assertThat(rating.getEvent().getRating().getMaximum()).isEqualTo(10);
    assertThat(((RecordFeedbackRequest) mesh.requests.getFirst()).getEvent().getAccepted())
        .satisfies(accepted -> assertThat(accepted.getSavedCharacters()).isEqualTo(9));
  }

  @Test
  void feedbackNeedsExactlyOneEvent() {
    assertThat(Cli.run(mesh, "feedback", FakeMesh.SUGGESTION_ID).exit()).isEqualTo(2);
    assertThat(Cli.run(mesh, "feedback", FakeMesh.SUGGESTION_ID, "--accepted", "--rejected").exit())
        .isEqualTo(2);
    assertThat(mesh.requests).isEmpty();
  }
}
