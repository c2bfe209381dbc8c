package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeptVocabularyTest {
  private static final List<Integer> ENDS = List.of(0);

  @TempDir Path folder;

  private final KeptVocabulary kept = new KeptVocabulary();
  private Path tokenizer;

  @BeforeEach
  void aTokenizer() throws IOException {
    tokenizer = TinyTokenizer.write(folder);
  }

  @Test
  void itIsReadOnceForAllThatHaveTheSameTokenizerWhereverItLies() throws IOException {
    Vocabulary first = kept.of(tokenizer, ENDS);
    Path copy = Files.copy(tokenizer, folder.resolve("copy.json"));

    assertThat(kept.of(tokenizer, ENDS)).isSameAs(first);
    assertThat(kept.of(copy, ENDS)).isSameAs(first);
    assertThat(first.index().size()).isEqualTo(TinyTokenizer.vocabularySize());
  }

  @Test
  void whatEndsATextIsAPartOfIt() {
    Vocabulary first = kept.of(tokenizer, ENDS);

    Vocabulary other = kept.of(tokenizer, List.of(0, 1));

    assertThat(first.tokenizer().endOfTextIds()).containsExactlyInAnyOrder(0);
    assertThat(other.tokenizer().endOfTextIds()).containsExactlyInAnyOrder(0, 1);
  }

  @Test
  void aFileThatHasChangedIsReadAgainAndOneThatIsAwayIsRefused() throws IOException {
    Vocabulary first = kept.of(tokenizer, ENDS);

    Files.writeString(tokenizer, "\n", StandardOpenOption.APPEND);
    assertThat(kept.of(tokenizer, ENDS)).isNotSameAs(first);

    Files.delete(tokenizer);
    assertThatThrownBy(() -> kept.of(tokenizer, ENDS))
        .isInstanceOfSatisfying(
            ModelException.class,
            e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.INVALID_FOLDER))
        .hasMessage(tokenizer + ": the file is missing");
  }
}
