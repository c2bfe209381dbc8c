package io.ballast.inference.brought;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.EncoderOptions;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.Pooling;
import io.ballast.inference.onnx.SmallClassifier;
import io.ballast.inference.scoring.ScoringRow;
import io.ballast.inference.scoring.WholeReading.RowOutcome;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.ClassifierFolders;
import io.ballast.inference.torch.DecoderFamily;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.inference.torch.SequenceClassifier;
import io.ballast.kit.call.ItemFault;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Classifiers that somebody brought are adopted, and then say again what they said. */
class BroughtEnsembleTest {
  private static final MemberInput PLAIN = new MemberInput.Template("{prompt} {completion}", true);
  private static final ScoreReading FIRST = new ScoreReading.Logit(new LabelReference.Index(0));

  @TempDir private Path root = Path.of(".");
  private ModelStore store = new ModelStore(Path.of("."));

  @BeforeEach
  void models() throws IOException {
    store = new ModelStore(root);
    store.publish("words", "1", folder -> SmallClassifier.write(folder, "bad", "good"), Map.of());
    store.publish(
        "llama",
        "1",
        folder -> {
          ClassifierFolders.withTokenizer(folder, DecoderFamily.LLAMA, 1, 64);
          Files.writeString(
              folder.resolve("chat_template.jinja"),
              "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}");
        },
        Map.of());
  }

  private static BroughtMember member(String model, MemberInput input, ScoreReading score) {
    return new BroughtMember(
        model,
        "1",
        Optional.empty(),
        input,
        Optional.empty(),
        score,
        false,
        new Normalization(0, 1),
        OptionalInt.empty());
  }

  private BroughtAdoption.Adopted adopt(String name, BroughtMember... members) throws IOException {
    return adopt(name, ReferenceAnswers.none(), members);
  }

  private BroughtAdoption.Adopted adopt(
      String name, ReferenceAnswers reference, BroughtMember... members) throws IOException {
    return new BroughtAdoption(store, List.of(root), BroughtEngines.here(EncoderOptions.defaults()))
        .adopt(
            name,
            "1",
            new BroughtAdoption.Plan(
                new BroughtManifest(List.of(members)), reference, 1e-4, Map.of()),
            part -> {});
  }

  /** Completions of w2, each on its line. */
  private static ReferenceAnswers answers(boolean skipUnscored, String... completions) {
    List<ReferenceAnswers.Answer> answers = new ArrayList<>();
    for (String completion : completions) {
      answers.add(
          new ReferenceAnswers.Answer(
              "line " + (answers.size() + 1), new BroughtItem.Texts("w2", completion)));
    }
    return new ReferenceAnswers(answers, skipUnscored);
  }

  private BroughtFolders folders() {
    return new BroughtFolders(List.of(root), BroughtEngines.here(new EncoderOptions(64, 1)));
  }

  private BroughtScorer open(String name) {
    BroughtFolders folders = folders();
    return folders.open(
        folders.list().stream()
            .filter(found -> found.id().model().equals(name))
            .findFirst()
            .orElseThrow());
  }

  private static List<Double> scores(BroughtScorer scorer, String prompt, String completion) {
    return values(scorer.score(List.of(row(scorer, prompt, completion))).getFirst());
  }

  private static List<Double> values(List<MemberScore> scores) {
    return scores.stream().map(score -> ((MemberScore.Value) score).score()).toList();
  }

  private static ScoringRow row(BroughtScorer scorer, String prompt, String completion) {
    return ((RowOutcome.Row) scorer.read(prompt, completion)).row();
  }

  @Test
  void aClassifierInOnnxScoresByTheLabelThatIsNamed() throws IOException {
    adopt(
        "taste",
        member("words", PLAIN, new ScoreReading.Logit(new LabelReference.Name("good"))),
        member("words", PLAIN, new ScoreReading.LogOdds(new LabelReference.Name("good"))));
    try (BroughtScorer scorer = open("taste")) {
      // the tokenizer puts w1 before the text; of w: good (7w + 3) % 11 − 5, bad 7w % 11 − 5
      double good = sum(1, 1, 2, 3);
      double bad = sum(0, 1, 2, 3);
      assertThat(scores(scorer, "w2", "w3")).containsExactly(good, good - bad);
    }
  }

  private static double sum(int label, int... words) {
    double sum = 0;
    for (int word : words) {
      sum += SmallClassifier.number(word, label);
    }
    return sum;
  }

  @Test
  void aLlamaThroughItsChatTemplateScoresTheTextThatTheTemplateMakes() throws IOException {
    adopt("talk", member("llama", new MemberInput.Chat(false), FIRST));
    Path folder = root.resolve("llama/1");
    try (BroughtScorer scorer = open("talk");
        SequenceClassifier classifier = SequenceClassifier.load(folder, Arithmetic.FLOAT32);
        HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.ofFolder(folder)) {
      TokenIds whole = tokenizer.encode("<user>print it<assistant>println();");
      assertThat(scores(scorer, "print it", "println();").getFirst())
          .isEqualTo((double) classifier.scores(List.of(whole)).getFirst().get(0));
    }
  }

  @Test
  void lowerMayBeBetterAndAScaleIsMadeOfReferenceAnswers() throws IOException {
    BroughtMember plain = member("words", PLAIN, FIRST);
    BroughtAdoption.Adopted adopted =
        adopt(
            "mild",
            answers(false, "w3", "w4"),
            new BroughtMember(
                "words",
                "1",
                Optional.empty(),
                PLAIN,
                Optional.empty(),
                FIRST,
                true,
                plain.scale(),
                OptionalInt.empty()));
    double a = -sum(0, 1, 2, 3);
    double b = -sum(0, 1, 2, 4);
    Normalization scale = adopted.manifest().members().getFirst().scale();
    assertThat(scale.mean()).isCloseTo((a + b) / 2, within(1e-9));
    // of two numbers the deviation over n − 1 is their difference over √2
    assertThat(scale.std()).isCloseTo(Math.abs(a - b) / Math.sqrt(2), within(1e-9));
    assertThat(adopted.golden().items()).hasSize(2);
    try (BroughtScorer scorer = open("mild")) {
      assertThat(scores(scorer, "w2", "w3")).containsExactly(a);
    }
    assertThatThrownBy(() -> adopt("flat", answers(false, "w3"), plain))
        .hasMessageStartingWith("members[0]: the 1 reference item gives no scale");
  }

  @Test
  void referenceItemsThatAMemberCannotScoreAreToldCountedAndAtMostHalf() throws IOException {
    // words/1 reads at most 16 tokens, llama/1 64
    BroughtMember words = member("words", PLAIN, FIRST);
    BroughtMember llama = member("llama", PLAIN, FIRST);
    String tooLong = "w3 ".repeat(15).strip();
    String told =
        "1 of 3 reference items is not scored by every member, the first: line 2: words/1: 17"
            + " tokens, limit 16";
    assertThatThrownBy(() -> adopt("two", answers(false, "w3", tooLong, "w4"), words, llama))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(told + "; --skip-bad leaves them out");
    assertThatThrownBy(
            () -> adopt("two", answers(true, "w3", tooLong, tooLong, tooLong, "w4"), words, llama))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("3 of 5 reference items are not scored by every member, ")
        .hasMessageEndingWith("(expected: at most half of them)");
    assertThat(store.find("two", "1")).isEmpty();

    BroughtAdoption.Adopted adopted =
        adopt("two", answers(true, "w3", tooLong, "w4"), words, llama);
    assertThat(adopted.asked().leftOut())
        .containsExactly(new AskedItems.LeftOut("line 2", "words/1: 17 tokens, limit 16"));
    // both scales are of the two items that both members scored
    assertThat(adopted.golden().items()).hasSize(2);
    for (int k = 0; k < 2; k++) {
      double first = adopted.golden().items().get(0).scores().get(k);
      double second = adopted.golden().items().get(1).scores().get(k);
      assertThat(adopted.manifest().members().get(k).scale().mean())
          .isCloseTo((first + second) / 2, within(1e-9));
    }
  }

  @Test
  void whatOneMemberCannotReadIsThatMembersFailure() throws IOException {
    store.publish(
        "picky",
        "1",
        folder -> {
          ClassifierFolders.withTokenizer(folder, DecoderFamily.LLAMA, 1, 64);
          Files.writeString(
              folder.resolve("chat_template.jinja"),
              "{% for m in messages %}{% if m.content == 'no' %}{{ raise_exception('not no') }}"
                  + "{% elif m.content == 'odd' %}{{ strftime_now('%Y') }}"
                  + "{% else %}{{ m.content }}{% endif %}{% endfor %}");
        },
        Map.of());
    MemberInput chat = new MemberInput.Chat(false);
    adopt("two", member("picky", chat, FIRST), member("llama", chat, FIRST));
    try (BroughtScorer scorer = open("two")) {
      List<List<MemberScore>> scores =
          scorer.score(
              List.of(row(scorer, "w2", "w3"), row(scorer, "w2", "no"), row(scorer, "w2", "odd")));
      assertThat(values(scores.get(0))).hasSize(2);
      assertThat(scores.get(1).get(0))
          .isEqualTo(
              new MemberScore.Missing(
                  new ItemFault(ItemFault.Reason.INVALID_INPUT, "picky/1: messages: not no")));
      assertThat(scores.get(2).get(0))
          .isInstanceOfSatisfying(
              MemberScore.Missing.class,
              missing -> {
                assertThat(missing.fault().reason()).isEqualTo(ItemFault.Reason.MODEL_ERROR);
                assertThat(missing.fault().message()).startsWith("picky/1: chat template, line 1");
              });
      for (int i = 1; i <= 2; i++) {
        assertThat(scores.get(i).get(1)).isInstanceOf(MemberScore.Value.class);
      }
    }
    adopt("one", member("picky", chat, FIRST));
    try (BroughtScorer scorer = open("one")) {
      // no member is left: the item is refused before anybody is asked
      assertThat(scorer.read("w2", "no"))
          .isEqualTo(
              new RowOutcome.Refused(
                  new ItemFault(ItemFault.Reason.INVALID_INPUT, "messages: not no")));
    }
  }

  @Test
  void tokensGoInAsTheyAre() throws IOException {
    adopt("ids", member("words", new MemberInput.Tokens(), FIRST));
    try (BroughtScorer scorer = open("ids")) {
      assertThat(scorer.readsTokens()).isTrue();
      assertThat(scorer.vocabularySize()).isEqualTo(SmallClassifier.WORDS);
      RowOutcome.Row row = (RowOutcome.Row) scorer.read(TokenIds.of(5, 6), TokenIds.of(7));
      assertThat(values(scorer.score(List.of(row.row())).getFirst()))
          .containsExactly(sum(0, 5, 6, 7));
    }
  }

  @Test
  void outputsOfTokensBecomeATextsAsWanted() throws IOException {
    store.publish(
        "values", "1", folder -> SmallClassifier.writeOfTokens(folder, "value"), Map.of());
    refused(
        "model.onnx: pooling: nobody says it (expected: mean, cls or last",
        member("values", PLAIN, FIRST));
    List<Double> found = new ArrayList<>();
    for (Pooling way : Pooling.values()) {
      BroughtMember member = member("values", PLAIN, FIRST);
      adopt(
          way.code(),
          new BroughtMember(
              member.model(),
              member.version(),
              Optional.empty(),
              PLAIN,
              Optional.of(way),
              FIRST,
              false,
              member.scale(),
              OptionalInt.empty()));
      try (BroughtScorer scorer = open(way.code())) {
        found.addAll(scores(scorer, "w2", "w3"));
      }
    }
    assertThat(found.get(0)).isCloseTo(sum(0, 1, 2, 3) / 3, within(1e-6)); // mean
    assertThat(found.subList(1, 3)).containsExactly(sum(0, 1), sum(0, 3)); // cls, last
  }

  @Test
  void membersOfTwoFamiliesAnswerTogetherAndTheSameInAnyCompany() throws IOException {
    adopt(
        "both",
        member("words", PLAIN, FIRST),
        member("llama", new MemberInput.Chat(false), FIRST),
        member("llama", PLAIN, FIRST));
    try (BroughtScorer scorer = open("both")) {
      List<String> completions = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        completions.add("w" + i % 20 + " w3".repeat(i % 7));
      }
      List<ScoringRow> rows = completions.stream().map(c -> row(scorer, "w2", c)).toList();
      List<List<MemberScore>> together = scorer.score(rows);
      for (int i = 0; i < rows.size(); i++) {
        List<Double> alone = scores(scorer, "w2", completions.get(i));
        assertThat(alone).hasSize(3);
        for (int k = 0; k < 3; k++) {
          assertThat(values(together.get(i)).get(k)).isCloseTo(alone.get(k), within(1e-5));
        }
      }
    }
  }

  @Test
  void aNumberThatIsNotFiniteOrARowThatIsTooLongConcernsOneMemberAndOneItem() throws IOException {
    store.publish(
        "spoiled", "1", folder -> SmallClassifier.writeSpoiled(folder, 7, "bad"), Map.of());
    adopt("two", member("spoiled", PLAIN, FIRST), member("llama", PLAIN, FIRST));
    try (BroughtScorer scorer = open("two")) {
      List<List<MemberScore>> scores =
          scorer.score(
              List.of(
                  row(scorer, "w2", "w3"),
                  row(scorer, "w2", "w7"),
                  row(scorer, "w2", "w3 ".repeat(15))));
      assertThat(values(scores.get(0)).getFirst()).isEqualTo(sum(0, 1, 2, 3));
      assertThat(scores.get(1).get(0))
          .isInstanceOfSatisfying(
              MemberScore.Missing.class,
              missing -> {
                assertThat(missing.fault().reason()).isEqualTo(ItemFault.Reason.MODEL_ERROR);
                assertThat(missing.fault().message()).startsWith("spoiled/1: ").contains("NaN");
              });
      assertThat(scores.get(1).get(1)).isInstanceOf(MemberScore.Value.class);
      assertThat(scores.get(2).get(0))
          .isEqualTo(
              new MemberScore.Missing(
                  new ItemFault(ItemFault.Reason.TOO_LONG, "spoiled/1: 17 tokens, limit 16")));
      assertThat(scores.get(2).get(1)).isInstanceOf(MemberScore.Value.class);
      // what no member can read is refused before anybody is asked
      assertThat(scorer.read("w2", "w3 ".repeat(100)))
          .isInstanceOfSatisfying(
              RowOutcome.Refused.class,
              refused -> {
                assertThat(refused.fault().reason()).isEqualTo(ItemFault.Reason.TOO_LONG);
                assertThat(refused.fault().message()).contains("limit 64");
              });
    }
  }

  @Test
  void whatTheModelHasNotIsNamedWithItsPlaceInTheManifest() {
    refused(
        "members[0].score.label: \"best\" (expected: 0 to 1, or one of [bad, good])",
        member("words", PLAIN, new ScoreReading.Logit(new LabelReference.Name("best"))));
    refused(
        "no chat template in tokenizer_config.json or chat_template.jinja",
        member("words", new MemberInput.Chat(false), FIRST));
    refused("nobody/1: in none of the model folders", member("nobody", PLAIN, FIRST));
    BroughtMember llama = member("llama", PLAIN, FIRST);
    refused(
        "pooling: cls (expected: last, or none",
        new BroughtMember(
            "llama",
            "1",
            Optional.empty(),
            PLAIN,
            Optional.of(Pooling.FIRST_TOKEN),
            FIRST,
            false,
            llama.scale(),
            OptionalInt.empty()));
    refused(
        "pooling: mean (expected: none, for the model's logits are of whole texts)",
        new BroughtMember(
            "words",
            "1",
            Optional.empty(),
            PLAIN,
            Optional.of(Pooling.MEAN),
            FIRST,
            false,
            llama.scale(),
            OptionalInt.empty()));
    refused(
        "members[0].max_tokens: 65 (expected: at most 64, which llama/1 reads)",
        new BroughtMember(
            "llama",
            "1",
            Optional.empty(),
            PLAIN,
            Optional.empty(),
            FIRST,
            false,
            llama.scale(),
            OptionalInt.of(65)));
    refused("members[0].sha256: " + "0".repeat(64), llama.pinned("0".repeat(64)));
  }

  private void refused(String message, BroughtMember member) {
    assertThatThrownBy(() -> adopt("refused", member))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
        .hasMessageContaining(message);
    assertThat(store.find("refused", "1")).isEmpty();
  }

  @Test
  void aVersionThatIsThereStays() throws IOException {
    adopt("taste", member("words", PLAIN, FIRST));
    assertThatThrownBy(() -> adopt("taste", member("llama", PLAIN, FIRST)))
        .isInstanceOf(FileAlreadyExistsException.class);
  }

  @Test
  void scoresThatDoNotComeOutAgainAreRefused() throws IOException {
    adopt("taste", member("words", PLAIN, FIRST));
    Path folder = root.resolve("taste/1");
    ObjectMapper mapper = new ObjectMapper();
    Path file = folder.resolve(GoldenItems.FILE);
    ObjectNode golden = (ObjectNode) mapper.readTree(file.toFile());
    ((ObjectNode) golden.path("items").path(1)).putArray("scores").add(99.0);
    mapper.writeValue(file.toFile(), golden);
    var unused = ModelManifest.write(folder, Map.of());
    assertThatThrownBy(() -> open("taste"))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BROKEN))
        .hasMessageStartingWith("taste/1/golden-items.json: items[1].scores[0]: ")
        .hasMessageContaining("(expected: 99.0 ± 1.0E-4)");
  }

  @Test
  void goldenScoresThatAreNoneAreNamed() throws IOException {
    adopt("taste", member("words", PLAIN, FIRST));
    Path folder = root.resolve("taste/1");
    ObjectMapper mapper = new ObjectMapper();
    Path file = folder.resolve(GoldenItems.FILE);
    ObjectNode golden = (ObjectNode) mapper.readTree(file.toFile());
    ObjectNode second = (ObjectNode) golden.path("items").path(1);

    second.putArray("scores").add("1");
    mapper.writeValue(file.toFile(), golden);
    var strings = ModelManifest.write(folder, Map.of());
    assertThatThrownBy(() -> open("taste"))
        .hasMessageContaining("items[1].scores: \"1\" (expected: numbers)");

    second.putArray("scores");
    mapper.writeValue(file.toFile(), golden);
    var none = ModelManifest.write(folder, Map.of());
    assertThatThrownBy(() -> open("taste"))
        .hasMessageContaining("items[1].scores: 0 (expected: 1, one a member)");
  }

  @Test
  void aMemberThatTookAnothersPlaceIsRefusedAndNoPathIsTold() throws IOException {
    adopt("taste", member("words", PLAIN, FIRST));
    ModelStore.deleteAll(root.resolve("words/1"));
    assertThatThrownBy(() -> open("taste"))
        .hasMessageContaining("words/1: in none of the model folders")
        .hasMessageNotContaining(root.toString());
    store.publish("words", "1", folder -> SmallClassifier.write(folder, "good", "bad"), Map.of());
    assertThatThrownBy(() -> open("taste"))
        .hasMessageContaining("(expected: that of words/1, ")
        .hasMessageNotContaining(root.toString());
    Files.writeString(root.resolve("words/1/tokenizer.json"), "{}");
    assertThatThrownBy(() -> open("taste")).hasMessageNotContaining(root.toString());
  }

  @Test
  void aFolderThatCannotBeReadIsLeftOutAndOthersServe() throws IOException {
    adopt("taste", member("words", PLAIN, FIRST));
    adopt("other", member("words", PLAIN, FIRST));
    Files.writeString(root.resolve("taste/1/reward.json"), "{}");
    assertThat(folders().list()).extracting(found -> found.id().model()).containsExactly("other");
  }
}
