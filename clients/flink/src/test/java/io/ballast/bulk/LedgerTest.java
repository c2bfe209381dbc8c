package io.ballast.bulk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Committed output is held against the input, row by row. */
class LedgerTest {
  @TempDir private Path folder;

  @Test
  void whatIsMissingAndWhatIsThereTwiceIsFound() throws IOException, StoppedException {
    Path input = Files.createDirectory(folder.resolve("input"));
    Files.writeString(input.resolve("a.jsonl"), "{}\n\n{}\n{}\n");
    Files.writeString(input.resolve("b.jsonl"), "{}");
    List<InputFile> inputs = Inputs.list(List.of(input));
    assertThat(inputs).extracting(InputFile::rows).containsExactly(3L, 1L);
    Path one = folder.resolve("one");
    Files.writeString(
        one,
        """
        {"file": "a.jsonl", "line": 1, "results": [{"value": 0.5}, {"failure": {"reason": "TOO_LONG"}}]}
        {"file": "a.jsonl", "line": 4, "failure": {"reason": "INVALID_INPUT"}}
        """);
    Path two = folder.resolve("two");
    Files.writeString(
        two,
        """
        {"file": "a.jsonl", "line": 3, "results": [{"value": 1}]}
        {"file": "b.jsonl", "line": 1, "results": [{"value": 2}]}
        """);

    assertThat(Ledger.read(List.of(one)).missing(inputs)).isEqualTo(2);
    assertThat(Ledger.read(List.of(one, two, two)).twice()).isEqualTo(2);
    Ledger whole = Ledger.read(List.of(one, two));
    assertThat(whole.missing(inputs) + whole.twice()).isZero();
    assertThat(whole.summary(new PinnedModel("m", "1", "")))
        .isEqualTo(new Summary(4, 3, Map.of("TOO_LONG", 1L, "INVALID_INPUT", 1L), "m/1"));
  }
}
