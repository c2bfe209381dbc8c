package io.ballast.kit.call;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A token is read once, fits a header, and is in no message. */
class BearerTokenTest {
  @TempDir private Path folder;

  private Optional<String> ofFile(String content) throws IOException {
    Path file = Files.writeString(folder.resolve("token"), content);
    return BearerToken.read("far.", Optional.of(file), Optional.empty(), name -> null);
  }

  private static Optional<String> ofVariable(Map<String, String> environment) {
    return BearerToken.read("far.", Optional.empty(), Optional.of("TOKEN"), environment::get);
  }

  @Test
  void itIsWhatTheFileOrTheVariableHolds() throws IOException {
    assertThat(ofFile(" s3cret.-_~+/=\n")).contains("s3cret.-_~+/=");
    assertThat(ofVariable(Map.of("TOKEN", "s3cret\n"))).contains("s3cret");
    assertThat(BearerToken.read("far.", Optional.empty(), Optional.empty(), name -> null))
        .isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'  \n'       | far.token-file: blank (expected: the token)",
        "'s3cret\n 2' | far.token-file: not shown (expected: one token of visible ASCII",
        "'s3crét'     | far.token-file: not shown (expected: one token of visible ASCII",
        "'s3 cret'    | far.token-file: not shown (expected: one token of visible ASCII"
      })
  void whatNoHeaderTakesIsRefusedWithoutBeingShown(String content, String message) {
    assertThatThrownBy(() -> ofFile(content))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message)
        .hasMessageNotContaining("s3")
        .hasMessageNotContaining(folder.toString());
  }

  @Test
  void aFileThatCannotBeReadIsNamedByItsProperty() {
    assertThatThrownBy(
            () ->
                BearerToken.read(
                    "far.",
                    Optional.of(folder.resolve("none")),
                    Optional.of("TOKEN"),
                    name -> "other"))
        .hasMessage("far.token-file: cannot be read (expected: a file with the token)")
        .hasCauseInstanceOf(IOException.class);
    assertThatThrownBy(() -> ofFile("x".repeat((16 << 10) + 1)))
        .hasMessage("far.token-file: more than 16,384 bytes (expected: a file with the token)");
  }

  @Test
  void aCallCarriesItToTheLetter() {
    assertThat(BearerToken.isCarried("Bearer s3cret", "s3cret")).isTrue();
    for (String other : List.of("", "s3cret", "Bearer ", "Bearer s3cre", "Bearer s3cret2")) {
      assertThat(BearerToken.isCarried(other, "s3cret")).as(other).isFalse();
    }
    assertThat(BearerToken.isCarried(null, "s3cret")).isFalse();
  }

  @Test
  void aVariableThatIsNotSetIsNamed() {
    assertThatThrownBy(() -> ofVariable(Map.of()))
        .hasMessage(
            "far.token-variable: TOKEN is not set (expected: a variable of the environment with the"
                + " token)");
    assertThatThrownBy(() -> ofVariable(Map.of("TOKEN", " ")))
        .hasMessage("far.token-variable: blank (expected: the token)");
  }
}
