package io.ballast.policy.core.version;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.policy.core.version.Alias.Served;
import io.ballast.policy.core.version.AliasMove.Kind;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where a rollback goes, by the moves that were made: back, and never to what was rolled back. */
class AliasTest {
  /**
   * An alias after moves such as {@code 1 2 3 <2}: created at 1, promoted to 2 and 3, rolled back
   * to 2; {@code !2}: moved there by break-glass. Move n had the certificate {@code cn}.
   */
  private static Alias after(String moves) {
    List<AliasMove> newestFirst = new ArrayList<>();
    String at = "";
    for (String move : moves.split(" ")) {
      boolean back = move.startsWith("<");
      boolean broken = move.startsWith("!");
      String to = back || broken ? move.substring(1) : move;
      Kind kind =
          back
              ? Kind.ROLL_BACK
              : broken ? Kind.BREAK_GLASS : at.isEmpty() ? Kind.CREATE : Kind.PROMOTE;
      String certificate = kind == Kind.PROMOTE ? "c" + (newestFirst.size() + 1) : "";
      newestFirst.addFirst(
          new AliasMove(
              at,
              to,
              Instant.EPOCH,
              certificate,
              certificate.replace('c', 'f'),
              "",
              kind,
              Optional.empty(),
              Optional.empty()));
      at = to;
    }
    return new Alias("m", "serving", at, newestFirst.size(), newestFirst);
  }

  @ParameterizedTest
  @CsvSource({
    "1 2, 1",
    "1 2 3, 2",
    "1 2 3 <2, 1",
    "1 2 <1 2, 1",
    "1 2 <1 3, 1",
    "1 2 <1 2 3 <2, 1",
    "1 2 1, 2",
    "1 2 1 <2, 1",
    "1 2 2, 1",
    "1 !2, 1",
    "1 !2 3, 1",
    "1 2 !3 4, 2",
    "1 !2 !3, 1",
    "1 !2 <1 3, 1",
    "1 2 !3 !2, 1",
    "1 2 !3 2, 1",
    "1 !2 2 3, 2",
    "1 2 !1 3, 2"
  })
  void itGoesToWhatServedBefore(String moves, String target) {
    assertThat(after(moves).servedBefore().getFirst().version()).isEqualTo(target);
  }

  @ParameterizedTest
  @CsvSource({"1", "1 2 <1", "1 2 3 <2 <1", "1 2 1 <2 <1", "1 1", "1 !2 !1"})
  void whereNothingServedBeforeThereIsNone(String moves) {
    assertThat(after(moves).servedBefore()).isEmpty();
  }

  /** Until 2026-11-28 a second rollback brought back what the first had taken away. */
  @Test
  void afterSuchAForwardRollbackItGoesBack() {
    assertThat(after("1 2 <1 <2").servedBefore()).containsExactly(new Served("1", "", ""));
    assertThat(after("1 2 <1 <2 <1").servedBefore()).isEmpty();
  }

  @Test
  void theOneThatServesIsNeverAmongThem() {
    assertThat(after("1 2 1").servedBefore()).containsExactly(new Served("2", "c2", "f2"));
    assertThat(after("1 2 3 2").servedBefore())
        .containsExactly(new Served("3", "c3", "f3"), new Served("1", "", ""));
  }

  @Test
  void eachHasTheCertificateThatLastBroughtIt() {
    assertThat(after("1 2 3 <2 3 4").servedBefore())
        .containsExactly(
            new Served("3", "c5", "f5"), new Served("2", "c2", "f2"), new Served("1", "", ""));
  }
}
