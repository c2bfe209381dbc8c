package io.ballast.standalone.demo.position;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.programmer.Cursor;
import io.ballast.workshop.programmer.Position;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** No file lies in two sets, and the seed alone decides. */
class PositionSetsTest {
  private static final SetSizes SIZES = new SetSizes(5, 4, 6, 7, 9);

  @Test
  void theSetsShareNoFileAndHaveTheirSizes() {
    PositionSets sets = draw(40, 3);
    List<List<Position>> all =
        List.of(
            sets.suggestions(),
            sets.constrainedSafety(),
            sets.rewardOnlySafety(),
            sets.comparison(),
            sets.learning(),
            sets.ranking());
    assertThat(all.stream().map(List::size)).containsExactly(5, 7, 7, 9, 6, 4);
    Set<SourceFile> seen = new HashSet<>();
    for (List<Position> set : all) {
      Set<SourceFile> files = PositionSets.filesOf(set);
      assertThat(seen).doesNotContainAnyElementsOf(files);
      seen.addAll(files);
    }
  }

  @Test
  void eachSetComesFromItsOwnPartOfTheCorpus() {
    PositionSets sets = draw(40, 3);
    assertThat(sets.comparison()).allMatch(p -> p.file().artefact().equals("compared"));
    assertThat(sets.suggestions()).allMatch(p -> p.file().artefact().equals("compared"));
    assertThat(sets.constrainedSafety()).allMatch(p -> p.file().artefact().equals("tested"));
    assertThat(sets.rewardOnlySafety()).allMatch(p -> p.file().artefact().equals("tested"));
    assertThat(sets.learning()).allMatch(p -> p.file().artefact().equals("learned"));
    assertThat(sets.ranking()).allMatch(p -> p.file().artefact().equals("learned"));
  }

  @Test
  void theSameSeedDrawsTheSamePositions() {
    assertThat(draw(40, 3)).isEqualTo(draw(40, 3)).isNotEqualTo(draw(40, 4));
  }

  @Test
  void aFileWeighsNoMoreThanItMust() {
    assertThat(mostInAFile(draw(40, 3).comparison())).isEqualTo(2);
    assertThat(mostInAFile(draw(4, 3).comparison())).isBetween(4L, 6L);
  }

  @Test
  void tooFewFilesAreNamed() {
    assertThatThrownBy(() -> draw(1, 3))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the 1 comparison files hold no 14 positions in disjoint files");
  }

  private static long mostInAFile(List<Position> set) {
    return set.stream()
        .collect(Collectors.groupingBy(Position::file, Collectors.counting()))
        .values()
        .stream()
        .mapToLong(Long::longValue)
        .max()
        .orElseThrow();
  }

  private static PositionSets draw(int filesEach, long seed) {
    return PositionSets.draw(
        new PositionSets.Sources(
            files("compared", filesEach), files("tested", filesEach), files("learned", filesEach)),
        SIZES,
        Cursor.anyCharacter(),
        random(seed));
  }

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  private static List<SourceFile> files(String artefact, int count) {
    List<SourceFile> files = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String name = artefact + i;
      String lines =
          IntStream.range(0, 9)
              .mapToObj(k -> "    int value" + k + " = compute(" + k + ");\n")
              .collect(Collectors.joining());
      files.add(
          new SourceFile(
              artefact,
              name + ".java",
              "class " + name + " {\n  void run() {\n" + lines + "  }\n}\n"));
    }
    return files;
  }
}
